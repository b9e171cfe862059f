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
                name='ChangeNotice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('outcome', models.CharField(choices=[('end_moved', 'End of service'), ('bank_details', 'Bank details changed')], max_length=12, verbose_name='kind')),
                    ('subscription_id', models.BigIntegerField(blank=True, null=True, verbose_name='subscription id')),
                    ('subscription_number', models.CharField(blank=True, max_length=20, verbose_name='subscription')),
                    ('ends_on', models.DateField(blank=True, help_text='The first day without service; empty where it goes on.', null=True, verbose_name='ends on')),
                    ('arose_at', models.DateTimeField(verbose_name='arose at')),
                    ('state', models.CharField(choices=[('owed', 'Owed'), ('told', 'Told'), ('taken_over', 'Told with a later change'), ('dismissed', 'Not to be told')], default='owed', max_length=10, verbose_name='state')),
                    ('channel', models.CharField(blank=True, choices=[('phone', 'Phone'), ('letter', 'Letter'), ('in_person', 'In person')], max_length=10, verbose_name='told by')),
                    ('text', models.TextField(blank=True, verbose_name='what the customer heard')),
                    ('dismissed_reason', models.TextField(blank=True, verbose_name='why it is not told')),
                    ('met_at', models.DateTimeField(blank=True, null=True, verbose_name='met at')),
                    ('bank_details', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notice', to='accounts.bankdetailschange', verbose_name='change of bank details')),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='change_notices', to='accounts.customer', verbose_name='customer')),
                    ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                    ('met_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='met by')),
                ],
                options={
                    'verbose_name': 'change to be told',
                    'verbose_name_plural': 'changes to be told',
                    'ordering': ('-arose_at', '-pk'),
                },
            ),
            migrations.CreateModel(
                name='HistoricalChangeNotice',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('outcome', models.CharField(choices=[('end_moved', 'End of service'), ('bank_details', 'Bank details changed')], max_length=12, verbose_name='kind')),
                    ('subscription_id', models.BigIntegerField(blank=True, null=True, verbose_name='subscription id')),
                    ('subscription_number', models.CharField(blank=True, max_length=20, verbose_name='subscription')),
                    ('ends_on', models.DateField(blank=True, help_text='The first day without service; empty where it goes on.', null=True, verbose_name='ends on')),
                    ('arose_at', models.DateTimeField(verbose_name='arose at')),
                    ('state', models.CharField(choices=[('owed', 'Owed'), ('told', 'Told'), ('taken_over', 'Told with a later change'), ('dismissed', 'Not to be told')], default='owed', max_length=10, verbose_name='state')),
                    ('channel', models.CharField(blank=True, choices=[('phone', 'Phone'), ('letter', 'Letter'), ('in_person', 'In person')], max_length=10, verbose_name='told by')),
                    ('text', models.TextField(blank=True, verbose_name='what the customer heard')),
                    ('dismissed_reason', models.TextField(blank=True, verbose_name='why it is not told')),
                    ('met_at', models.DateTimeField(blank=True, null=True, verbose_name='met at')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('bank_details', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.bankdetailschange', verbose_name='change of bank details')),
                    ('customer', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.customer', verbose_name='customer')),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('made_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                    ('met_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='met by')),
                ],
                options={
                    'verbose_name': 'historical change to be told',
                    'verbose_name_plural': 'historical changes to be told',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='HistoricalMessageTemplate',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('kind', models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('invoice_void', 'Invoice void'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind')),
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
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='MessageTemplate',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('invoice_void', 'Invoice void'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind')),
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
                    ('kind', models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('invoice_void', 'Invoice void'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind')),
                    ('language', models.CharField(choices=[('en', 'English'), ('it', 'Italian')], max_length=2, verbose_name='language')),
                    ('complaint_id', models.BigIntegerField(blank=True, null=True, verbose_name='complaint id')),
                    ('recipient', models.EmailField(blank=True, help_text='Empty where no e-mail address was known.', max_length=254, verbose_name='recipient')),
                    ('subject', models.CharField(max_length=200, verbose_name='subject')),
                    ('body', models.TextField(verbose_name='body')),
                    ('queued_at', models.DateTimeField(verbose_name='queued at')),
                    ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outgoing_messages', to='accounts.customer', verbose_name='customer')),
                    ('notice', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='letters', to='messaging.changenotice', verbose_name='change that it tells')),
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
            migrations.AddIndex(
                model_name='changenotice',
                index=models.Index(condition=models.Q(('state', 'owed')), fields=['arose_at'], name='change_notice_owed'),
            ),
            migrations.AddConstraint(
                model_name='changenotice',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('bank_details__isnull', False), ('outcome', 'bank_details'), ('subscription_id__isnull', True), ('ends_on__isnull', True), ('subscription_number', '')), models.Q(('bank_details__isnull', True), ('outcome', 'end_moved'), ('subscription_id__isnull', False), models.Q(('subscription_number', ''), _negated=True)), _connector='OR'), name='change_notice_of_its_change'),
            ),
            migrations.AddConstraint(
                model_name='changenotice',
                constraint=models.UniqueConstraint(condition=models.Q(('outcome', 'end_moved'), ('state', 'owed')), fields=('subscription_id',), name='change_notice_one_end_owed'),
            ),
            migrations.AddConstraint(
                model_name='changenotice',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('met_at__isnull', True), ('met_by__isnull', True), ('state', 'owed')), models.Q(models.Q(('state', 'owed'), _negated=True), ('met_at__isnull', False)), _connector='OR'), name='change_notice_met_has_time'),
            ),
            migrations.AddConstraint(
                model_name='changenotice',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('channel', ''), ('text', '')), models.Q(('met_by__isnull', False), ('state', 'told'), models.Q(('channel', ''), _negated=True), models.Q(('text', ''), _negated=True)), _connector='OR'), name='change_notice_told_in_words'),
            ),
            migrations.AddConstraint(
                model_name='changenotice',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('met_by__isnull', False), ('state', 'dismissed'), models.Q(('dismissed_reason', ''), _negated=True)), models.Q(models.Q(('state', 'dismissed'), _negated=True), ('dismissed_reason', '')), _connector='OR'), name='change_notice_dismissed_has_reason'),
            ),
            migrations.AddIndex(
                model_name='historicalchangenotice',
                index=models.Index(fields=['id', '-history_date', '-history_id'], name='messaging_h_id_73b5aa_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalchangenotice',
                index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='messaging_h_history_2052b5_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalchangenotice',
                index=models.Index(fields=['-history_date', '-history_id'], name='messaging_h_history_a3c088_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalmessagetemplate',
                index=models.Index(fields=['id', '-history_date', '-history_id'], name='messaging_h_id_477a8f_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalmessagetemplate',
                index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='messaging_h_history_549a02_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalmessagetemplate',
                index=models.Index(fields=['-history_date', '-history_id'], name='messaging_h_history_494c53_idx'),
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
