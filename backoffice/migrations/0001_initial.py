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
                name='Presence',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('target_type', models.CharField(max_length=60, verbose_name='target type')),
                    ('target_id', models.BigIntegerField(verbose_name='target id')),
                    ('seen_at', models.DateTimeField(verbose_name='seen at')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ],
                options={
                    'verbose_name': 'presence',
                    'verbose_name_plural': 'presences',
                    'constraints': [models.UniqueConstraint(fields=('target_type', 'target_id', 'person'), name='presence_once')],
                },
            ),
            migrations.CreateModel(
                name='SavedView',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('page', models.CharField(max_length=80, verbose_name='page')),
                    ('name', models.CharField(max_length=60, verbose_name='name')),
                    ('query', models.TextField(blank=True, verbose_name='query')),
                    ('shared', models.BooleanField(default=False, verbose_name='shared')),
                    ('made_at', models.DateTimeField(auto_now_add=True, verbose_name='made at')),
                    ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='saved_views', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ],
                options={
                    'verbose_name': 'saved view',
                    'verbose_name_plural': 'saved views',
                    'ordering': ('name', 'pk'),
                    'constraints': [models.UniqueConstraint(fields=('owner', 'page', 'name'), name='saved_view_name_once'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='saved_view_has_name')],
                },
            ),
        ]),
    ]
