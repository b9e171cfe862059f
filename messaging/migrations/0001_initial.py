import audit.context
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from core.schema import Together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='MessageTemplate',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind')),
                    ('language', models.CharField(choices=[('en', 'English'), ('it', 'Italian')], max_length=2, verbose_name='language')),
                    ('subject', models.CharField(max_length=200, verbose_name='subject')),
                    ('body', models.TextField(verbose_name='body')),
                ],
                options={
                    'verbose_name': 'message template',
                    'verbose_name_plural': 'message templates',
                    'ordering': ('kind', 'language'),
                    'constraints': [models.UniqueConstraint(fields=('kind', 'language'), name='template_once_per_language'), models.CheckConstraint(condition=models.Q(models.Q(('subject', ''), _negated=True), models.Q(('body', ''), _negated=True)), name='template_has_text')],
                },
            ),
            migrations.CreateModel(
                name='OutgoingMessage',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=120, unique=True, verbose_name='key')),
                    ('kind', models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind')),
                    ('language', models.CharField(choices=[('en', 'English'), ('it', 'Italian')], max_length=2, verbose_name='language')),
                    ('complaint_id', models.BigIntegerField(blank=True, null=True, verbose_name='complaint id')),
                    ('recipient', models.EmailField(blank=True, help_text='Empty where no e-mail address was known.', max_length=254, verbose_name='recipient')),
                    ('subject', models.CharField(max_length=200, verbose_name='subject')),
                    ('body', models.TextField(verbose_name='body')),
                    ('queued_at', models.DateTimeField(verbose_name='queued at')),
                    ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outgoing_messages', to='accounts.customer', verbose_name='customer')),
                    ('queued_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='queued by')),
                    ('staff', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outgoing_messages', to=settings.AUTH_USER_MODEL, verbose_name='staff')),
                    ('template', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messaging.messagetemplate', verbose_name='template')),
                ],
                options={
                    'verbose_name': 'outgoing message',
                    'verbose_name_plural': 'outgoing messages',
                    'ordering': ('-queued_at', '-pk'),
                },
            ),
            migrations.CreateModel(
                name='HistoricalDeliveryAttempt',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('number', models.PositiveSmallIntegerField(verbose_name='number')),
                    ('started_at', models.DateTimeField(verbose_name='started at')),
                    ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                    ('outcome', models.CharField(choices=[('started', 'Started'), ('accepted', 'Accepted by the server'), ('deferred', 'Not now'), ('refused', 'Refused for good'), ('unknown', 'Not known')], default='started', max_length=10, verbose_name='outcome')),
                    ('detail', models.TextField(blank=True, verbose_name='detail')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('message', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='messaging.outgoingmessage', verbose_name='message')),
                ],
                options={
                    'verbose_name': 'historical delivery attempt',
                    'verbose_name_plural': 'historical delivery attempts',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='HistoricalDelivery',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('state', models.CharField(choices=[('queued', 'Waiting to be sent'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed for good'), ('uncertain', 'Perhaps sent'), ('bounced', 'Came back'), ('cancelled', 'Done with'), ('no_address', 'Not told: no address')], default='queued', max_length=10, verbose_name='state')),
                    ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                    ('next_attempt_at', models.DateTimeField(blank=True, null=True, verbose_name='next attempt at')),
                    ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent at')),
                    ('note', models.CharField(blank=True, help_text='Why it failed, came back or is done with.', max_length=300, verbose_name='note')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('message', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='messaging.outgoingmessage', verbose_name='message')),
                ],
                options={
                    'verbose_name': 'historical delivery',
                    'verbose_name_plural': 'historical deliveries',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='DeliveryAttempt',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField(verbose_name='number')),
                    ('started_at', models.DateTimeField(verbose_name='started at')),
                    ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                    ('outcome', models.CharField(choices=[('started', 'Started'), ('accepted', 'Accepted by the server'), ('deferred', 'Not now'), ('refused', 'Refused for good'), ('unknown', 'Not known')], default='started', max_length=10, verbose_name='outcome')),
                    ('detail', models.TextField(blank=True, verbose_name='detail')),
                    ('message', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='messaging.outgoingmessage', verbose_name='message')),
                ],
                options={
                    'verbose_name': 'delivery attempt',
                    'verbose_name_plural': 'delivery attempts',
                    'ordering': ('message', 'number'),
                },
            ),
            migrations.CreateModel(
                name='Delivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('state', models.CharField(choices=[('queued', 'Waiting to be sent'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed for good'), ('uncertain', 'Perhaps sent'), ('bounced', 'Came back'), ('cancelled', 'Done with'), ('no_address', 'Not told: no address')], default='queued', max_length=10, verbose_name='state')),
                    ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                    ('next_attempt_at', models.DateTimeField(blank=True, null=True, verbose_name='next attempt at')),
                    ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent at')),
                    ('note', models.CharField(blank=True, help_text='Why it failed, came back or is done with.', max_length=300, verbose_name='note')),
                    ('message', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='delivery', to='messaging.outgoingmessage', verbose_name='message')),
                ],
                options={
                    'verbose_name': 'delivery',
                    'verbose_name_plural': 'deliveries',
                    'ordering': ('-pk',),
                },
            ),
            migrations.CreateModel(
                name='HistoricalMessageTemplate',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('kind', models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind')),
                    ('language', models.CharField(choices=[('en', 'English'), ('it', 'Italian')], max_length=2, verbose_name='language')),
                    ('subject', models.CharField(max_length=200, verbose_name='subject')),
                    ('body', models.TextField(verbose_name='body')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'historical message template',
                    'verbose_name_plural': 'historical message templates',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                    'indexes': [models.Index(fields=['id', '-history_date', '-history_id'], name='messaging_h_id_477a8f_idx'), models.Index(fields=['history_user', '-history_date', '-history_id'], name='messaging_h_history_549a02_idx'), models.Index(fields=['-history_date', '-history_id'], name='messaging_h_history_494c53_idx')],
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.AddIndex(
                model_name='outgoingmessage',
                index=models.Index(condition=models.Q(('complaint_id__isnull', False)), fields=['complaint_id', '-queued_at'], name='outgoing_by_complaint'),
            ),
            migrations.AddConstraint(
                model_name='outgoingmessage',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('customer__isnull', False), ('staff__isnull', True)), models.Q(('customer__isnull', True), ('staff__isnull', False)), _connector='OR'), name='outgoing_to_customer_or_staff'),
            ),
            migrations.AddConstraint(
                model_name='outgoingmessage',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('subject', ''), _negated=True), models.Q(('body', ''), _negated=True)), name='outgoing_is_complete'),
            ),
            migrations.AddIndex(
                model_name='historicaldeliveryattempt',
                index=models.Index(fields=['id', '-history_date', '-history_id'], name='messaging_h_id_a18771_idx'),
            ),
            migrations.AddIndex(
                model_name='historicaldeliveryattempt',
                index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='messaging_h_history_272840_idx'),
            ),
            migrations.AddIndex(
                model_name='historicaldeliveryattempt',
                index=models.Index(fields=['-history_date', '-history_id'], name='messaging_h_history_79a362_idx'),
            ),
            migrations.AddIndex(
                model_name='historicaldelivery',
                index=models.Index(fields=['id', '-history_date', '-history_id'], name='messaging_h_id_73ca35_idx'),
            ),
            migrations.AddIndex(
                model_name='historicaldelivery',
                index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='messaging_h_history_c4fe9d_idx'),
            ),
            migrations.AddIndex(
                model_name='historicaldelivery',
                index=models.Index(fields=['-history_date', '-history_id'], name='messaging_h_history_a35e0d_idx'),
            ),
            migrations.AddConstraint(
                model_name='deliveryattempt',
                constraint=models.UniqueConstraint(fields=('message', 'number'), name='attempt_number_once'),
            ),
            migrations.AddConstraint(
                model_name='deliveryattempt',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('outcome', 'started')), models.Q(models.Q(('outcome', 'started'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='attempt_ended_has_outcome'),
            ),
            migrations.AddIndex(
                model_name='delivery',
                index=models.Index(condition=models.Q(('state__in', ('queued', 'sending'))), fields=['next_attempt_at'], name='delivery_due'),
            ),
            migrations.AddIndex(
                model_name='delivery',
                index=models.Index(condition=models.Q(('state__in', ('failed', 'uncertain', 'bounced', 'no_address'))), fields=['message'], name='delivery_in_trouble'),
            ),
            migrations.AddConstraint(
                model_name='delivery',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('next_attempt_at__isnull', False), ('state', 'queued')), models.Q(models.Q(('state', 'queued'), _negated=True), ('next_attempt_at__isnull', True)), _connector='OR'), name='delivery_queued_has_time'),
            ),
            migrations.AddConstraint(
                model_name='delivery',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('sent', 'bounced')), _negated=True), ('sent_at__isnull', False), _connector='OR'), name='delivery_sent_has_time'),
            ),
        ]),
    ]
