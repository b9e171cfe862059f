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
                name='Job',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=40, verbose_name='kind')),
                    ('title', models.CharField(max_length=200, verbose_name='title')),
                    ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                    ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('finished', 'Finished'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=10, verbose_name='state')),
                    ('asked_at', models.DateTimeField(verbose_name='asked at')),
                    ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started at')),
                    ('heartbeat_at', models.DateTimeField(blank=True, null=True, verbose_name='heartbeat at')),
                    ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
                    ('total', models.PositiveIntegerField(default=0, verbose_name='total')),
                    ('done', models.PositiveIntegerField(default=0, verbose_name='done')),
                    ('failure', models.TextField(blank=True, verbose_name='failure')),
                    ('result', models.JSONField(blank=True, default=dict, verbose_name='result')),
                    ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                ],
                options={
                    'verbose_name': 'job',
                    'verbose_name_plural': 'jobs',
                    'ordering': ('-asked_at', '-pk'),
                    'constraints': [models.CheckConstraint(condition=models.Q(('done__lte', models.F('total'))), name='job_done_within_total'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('state__in', ('queued', 'running'))), models.Q(models.Q(('state__in', ('queued', 'running')), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='job_ended_has_date'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('failure', ''), _negated=True), _connector='OR'), name='job_failed_has_reason')],
                },
            ),
        ]),
    ]
