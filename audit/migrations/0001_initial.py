import audit.context
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.schema import Together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='UsedForm',
                fields=[
                    ('token', models.UUIDField(primary_key=True, serialize=False, verbose_name='token')),
                    ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                    ('request_id', models.CharField(default=audit.context.request_id, max_length=32, verbose_name='request id')),
                ],
                options={
                    'verbose_name': 'used form',
                    'verbose_name_plural': 'used forms',
                },
            ),
            migrations.CreateModel(
                name='Event',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(verbose_name='at')),
                    ('actor_name', models.CharField(max_length=200, verbose_name='actor name')),
                    ('actor_role', models.CharField(blank=True, max_length=40, verbose_name='actor role')),
                    ('verb', models.CharField(max_length=60, verbose_name='verb')),
                    ('outcome', models.CharField(choices=[('done', 'Done'), ('refused', 'Refused')], default='done', max_length=10, verbose_name='outcome')),
                    ('target_type', models.CharField(max_length=60, verbose_name='target type')),
                    ('target_id', models.BigIntegerField(null=True, verbose_name='target id')),
                    ('target_label', models.CharField(blank=True, max_length=200, verbose_name='target label')),
                    ('complaint_id', models.BigIntegerField(null=True, verbose_name='complaint id')),
                    ('customer_id', models.BigIntegerField(null=True, verbose_name='customer id')),
                    ('reason', models.TextField(blank=True, verbose_name='reason')),
                    ('message', models.TextField(blank=True, verbose_name='message')),
                    ('data', models.JSONField(default=dict, verbose_name='data')),
                    ('request_id', models.CharField(default=audit.context.request_id, max_length=32, verbose_name='request id')),
                    ('source', models.CharField(default=audit.context.source, max_length=10, verbose_name='source')),
                    ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='actor')),
                ],
                options={
                    'verbose_name': 'event',
                    'verbose_name_plural': 'events',
                    'ordering': ('-at', '-id'),
                    'indexes': [models.Index(fields=['-at', '-id'], name='event_by_time'), models.Index(fields=['actor', '-at'], name='event_by_actor'), models.Index(fields=['target_type', 'target_id', '-at'], name='event_by_target'), models.Index(condition=models.Q(('complaint_id__isnull', False)), fields=['complaint_id', '-at'], name='event_by_complaint'), models.Index(condition=models.Q(('customer_id__isnull', False)), fields=['customer_id', '-at'], name='event_by_customer'), models.Index(fields=['request_id'], name='event_by_request')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('verb', ''), _negated=True), name='event_has_verb'), models.CheckConstraint(condition=models.Q(('outcome__in', ('done', 'refused'))), name='event_outcome_known')],
                },
            ),
        ]),
    ]
