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
                name='Policy',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('fulfilment', 'Fulfilment policy'), ('refund', 'Refund policy')], max_length=12, unique=True, verbose_name='kind')),
                ],
                options={
                    'verbose_name': 'policy',
                    'verbose_name_plural': 'policies',
                    'ordering': ('kind',),
                },
            ),
            migrations.CreateModel(
                name='Agreement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('title', models.CharField(max_length=120, verbose_name='title')),
                    ('text', models.TextField(blank=True, verbose_name='text')),
                    ('terms', models.JSONField(default=dict, verbose_name='terms')),
                    ('valid_from', models.DateField(verbose_name='valid from')),
                    ('valid_until', models.DateField(blank=True, null=True, verbose_name='valid until')),
                    ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('discarded', 'Discarded')], default='draft', max_length=10, verbose_name='state')),
                    ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published at')),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='accounts.customer', verbose_name='customer')),
                    ('drafted_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='drafted by')),
                    ('published_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                ],
                options={
                    'verbose_name': 'agreement',
                    'verbose_name_plural': 'agreements',
                    'ordering': ('customer', '-valid_from', '-pk'),
                    'constraints': [models.CheckConstraint(condition=models.Q(('valid_until__isnull', True), ('valid_until__gte', models.F('valid_from')), _connector='OR'), name='agreement_ends_after_start'), models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state', 'published'), _negated=True), ('published_by__isnull', True)), models.Q(('published_by__isnull', False), ('state', 'published'), models.Q(('published_by', models.F('drafted_by')), _negated=True)), _connector='OR'), name='agreement_published_by_another'), models.UniqueConstraint(condition=models.Q(('state', 'published')), fields=('customer', 'valid_from'), name='agreement_once_per_day')],
                },
            ),
            migrations.CreateModel(
                name='HistoricalAgreement',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('title', models.CharField(max_length=120, verbose_name='title')),
                    ('text', models.TextField(blank=True, verbose_name='text')),
                    ('terms', models.JSONField(default=dict, verbose_name='terms')),
                    ('valid_from', models.DateField(verbose_name='valid from')),
                    ('valid_until', models.DateField(blank=True, null=True, verbose_name='valid until')),
                    ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('discarded', 'Discarded')], default='draft', max_length=10, verbose_name='state')),
                    ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published at')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('customer', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.customer', verbose_name='customer')),
                    ('drafted_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='drafted by')),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('published_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                ],
                options={
                    'verbose_name': 'historical agreement',
                    'verbose_name_plural': 'historical agreements',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                    'indexes': [models.Index(fields=['id', '-history_date', '-history_id'], name='policies_hi_id_d34387_idx'), models.Index(fields=['history_user', '-history_date', '-history_id'], name='policies_hi_history_93a4ee_idx'), models.Index(fields=['-history_date', '-history_id'], name='policies_hi_history_42ba22_idx')],
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='HistoricalPolicy',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('kind', models.CharField(choices=[('fulfilment', 'Fulfilment policy'), ('refund', 'Refund policy')], max_length=12, verbose_name='kind')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'historical policy',
                    'verbose_name_plural': 'historical policies',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                    'indexes': [models.Index(fields=['id', '-history_date', '-history_id'], name='policies_hi_id_0e09f9_idx'), models.Index(fields=['history_user', '-history_date', '-history_id'], name='policies_hi_history_0850ec_idx'), models.Index(fields=['-history_date', '-history_id'], name='policies_hi_history_965a42_idx')],
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='HistoricalPolicyVersion',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('number', models.PositiveIntegerField(verbose_name='number')),
                    ('effective_from', models.DateField(verbose_name='effective from')),
                    ('text', models.TextField(help_text='Markdown', verbose_name='text')),
                    ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                    ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('discarded', 'Discarded')], default='draft', max_length=10, verbose_name='state')),
                    ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published at')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('drafted_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='drafted by')),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('published_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                    ('policy', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='policies.policy', verbose_name='policy')),
                ],
                options={
                    'verbose_name': 'historical policy version',
                    'verbose_name_plural': 'historical policy versions',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                    'indexes': [models.Index(fields=['id', '-history_date', '-history_id'], name='policies_hi_id_6a09cb_idx'), models.Index(fields=['history_user', '-history_date', '-history_id'], name='policies_hi_history_2e3005_idx'), models.Index(fields=['-history_date', '-history_id'], name='policies_hi_history_6be420_idx')],
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='PolicyVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField(verbose_name='number')),
                    ('effective_from', models.DateField(verbose_name='effective from')),
                    ('text', models.TextField(help_text='Markdown', verbose_name='text')),
                    ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                    ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('discarded', 'Discarded')], default='draft', max_length=10, verbose_name='state')),
                    ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published at')),
                    ('drafted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='drafted by')),
                    ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='policies.policy', verbose_name='policy')),
                    ('published_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                ],
                options={
                    'verbose_name': 'policy version',
                    'verbose_name_plural': 'policy versions',
                    'ordering': ('policy', '-number'),
                    'constraints': [models.UniqueConstraint(fields=('policy', 'number'), name='policy_version_number_once'), models.UniqueConstraint(condition=models.Q(('state', 'published')), fields=('policy', 'effective_from'), name='policy_version_day_once'), models.CheckConstraint(condition=models.Q(models.Q(('published_at__isnull', True), ('published_by__isnull', True), ('state__in', ('draft', 'discarded'))), models.Q(('number', 1), ('published_by__isnull', True), ('state', 'published')), models.Q(('drafted_by__isnull', False), ('published_by__isnull', False), ('state', 'published'), models.Q(('published_by', models.F('drafted_by')), _negated=True)), _connector='OR'), name='policy_version_published_by_another')],
                },
            ),
        ]),
    ]
