import audit.context
import core.fields
import core.validators
import django.db.models.deletion
import hardware.phones.validators
import simple_history.models
from decimal import Decimal
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
                name='PhoneModel',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('maker', models.CharField(max_length=60, verbose_name='maker')),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                ],
                options={
                    'verbose_name': 'phone model',
                    'verbose_name_plural': 'phone models',
                    'ordering': ('maker', 'name'),
                    'constraints': [models.UniqueConstraint(fields=('maker', 'name'), name='phone_model_once')],
                },
            ),
            migrations.CreateModel(
                name='Phone',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('maker', models.CharField(editable=False, max_length=60, verbose_name='maker')),
                    ('serial', models.CharField(max_length=40, validators=[hardware.phones.validators.validate_serial], verbose_name='serial number')),
                    ('mac', models.CharField(max_length=17, unique=True, validators=[hardware.phones.validators.validate_mac], verbose_name='MAC address')),
                    ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='phones', to='hardware.phonemodel', verbose_name='model')),
                ],
                options={
                    'verbose_name': 'phone',
                    'verbose_name_plural': 'phones',
                    'ordering': ('model', 'serial'),
                },
            ),
            migrations.CreateModel(
                name='HistoricalPhone',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('maker', models.CharField(editable=False, max_length=60, verbose_name='maker')),
                    ('serial', models.CharField(max_length=40, validators=[hardware.phones.validators.validate_serial], verbose_name='serial number')),
                    ('mac', models.CharField(max_length=17, validators=[hardware.phones.validators.validate_mac], verbose_name='MAC address')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('model', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='hardware.phonemodel', verbose_name='model')),
                ],
                options={
                    'verbose_name': 'historical phone',
                    'verbose_name_plural': 'historical phones',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='Purchase',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.CharField(max_length=20, unique=True, verbose_name='number')),
                    ('bought_on', models.DateField(verbose_name='bought on')),
                    ('currency', models.CharField(max_length=3, validators=[core.validators.validate_currency], verbose_name='currency')),
                    ('price', core.fields.MoneyField(verbose_name='price')),
                    ('paid', core.fields.MoneyField(default=Decimal('0'), verbose_name='paid')),
                    ('owned_on', models.DateField(blank=True, null=True, verbose_name='owned on')),
                    ('returned_on', models.DateField(blank=True, null=True, verbose_name='returned on')),
                    ('return_reason', models.TextField(blank=True, verbose_name='return reason')),
                    ('warranty_until', models.DateField(blank=True, null=True, verbose_name='warranty until')),
                    ('warranty_note', models.TextField(blank=True, verbose_name='warranty note')),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='accounts.customer', verbose_name='customer')),
                    ('phone', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='hardware.phone', verbose_name='phone')),
                ],
                options={
                    'verbose_name': 'purchase',
                    'verbose_name_plural': 'purchases',
                    'ordering': ('-bought_on', '-pk'),
                },
            ),
            migrations.CreateModel(
                name='Instalment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                    ('due_on', models.DateField(verbose_name='due on')),
                    ('amount', core.fields.MoneyField(verbose_name='amount')),
                    ('paid_on', models.DateField(blank=True, null=True, verbose_name='paid on')),
                    ('purchase', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='instalments', to='hardware.purchase', verbose_name='purchase')),
                ],
                options={
                    'verbose_name': 'instalment',
                    'verbose_name_plural': 'instalments',
                    'ordering': ('purchase', 'sequence'),
                },
            ),
            migrations.CreateModel(
                name='HistoricalInstalment',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                    ('due_on', models.DateField(verbose_name='due on')),
                    ('amount', core.fields.MoneyField(verbose_name='amount')),
                    ('paid_on', models.DateField(blank=True, null=True, verbose_name='paid on')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('purchase', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='hardware.purchase', verbose_name='purchase')),
                ],
                options={
                    'verbose_name': 'historical instalment',
                    'verbose_name_plural': 'historical instalments',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='HistoricalPhoneModel',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('maker', models.CharField(max_length=60, verbose_name='maker')),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'historical phone model',
                    'verbose_name_plural': 'historical phone models',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                    'indexes': [models.Index(fields=['id', '-history_date', '-history_id'], name='hardware_hi_id_2e7b65_idx'), models.Index(fields=['history_user', '-history_date', '-history_id'], name='hardware_hi_history_ba40cb_idx'), models.Index(fields=['-history_date', '-history_id'], name='hardware_hi_history_4a36d7_idx')],
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.CreateModel(
                name='HistoricalPurchase',
                fields=[
                    ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                    ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                    ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                    ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                    ('history_change_reason', models.TextField(blank=True, default='')),
                    ('number', models.CharField(max_length=20, verbose_name='number')),
                    ('bought_on', models.DateField(verbose_name='bought on')),
                    ('currency', models.CharField(max_length=3, validators=[core.validators.validate_currency], verbose_name='currency')),
                    ('price', core.fields.MoneyField(verbose_name='price')),
                    ('paid', core.fields.MoneyField(default=Decimal('0'), verbose_name='paid')),
                    ('owned_on', models.DateField(blank=True, null=True, verbose_name='owned on')),
                    ('returned_on', models.DateField(blank=True, null=True, verbose_name='returned on')),
                    ('return_reason', models.TextField(blank=True, verbose_name='return reason')),
                    ('warranty_until', models.DateField(blank=True, null=True, verbose_name='warranty until')),
                    ('warranty_note', models.TextField(blank=True, verbose_name='warranty note')),
                    ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                    ('history_date', models.DateTimeField()),
                    ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ('customer', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.customer', verbose_name='customer')),
                    ('history_user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('phone', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='hardware.phone', verbose_name='phone')),
                ],
                options={
                    'verbose_name': 'historical purchase',
                    'verbose_name_plural': 'historical purchases',
                    'ordering': ('-history_date', '-history_id'),
                    'get_latest_by': ('history_date', 'history_id'),
                    'default_permissions': (),
                    'indexes': [models.Index(fields=['id', '-history_date', '-history_id'], name='hardware_hi_id_9d0221_idx'), models.Index(fields=['history_user', '-history_date', '-history_id'], name='hardware_hi_history_0a7af6_idx'), models.Index(fields=['-history_date', '-history_id'], name='hardware_hi_history_02afe4_idx')],
                },
                bases=(simple_history.models.HistoricalChanges, models.Model),
            ),
            migrations.AddConstraint(
                model_name='phone',
                constraint=models.UniqueConstraint(fields=('maker', 'serial'), name='phone_serial_once_per_maker'),
            ),
            migrations.AddIndex(
                model_name='historicalphone',
                index=models.Index(fields=['id', '-history_date', '-history_id'], name='hardware_hi_id_ee8a08_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalphone',
                index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='hardware_hi_history_934840_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalphone',
                index=models.Index(fields=['-history_date', '-history_id'], name='hardware_hi_history_f838e1_idx'),
            ),
            migrations.AddConstraint(
                model_name='purchase',
                constraint=models.CheckConstraint(condition=models.Q(('paid__gte', 0), ('price__gte', 0), ('price__gte', models.F('paid'))), name='purchase_not_overpaid'),
            ),
            migrations.AddConstraint(
                model_name='purchase',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('owned_on__isnull', True), ('price__gt', models.F('paid'))), models.Q(('owned_on__isnull', False), ('price', models.F('paid'))), _connector='OR'), name='purchase_owned_when_paid'),
            ),
            migrations.AddConstraint(
                model_name='purchase',
                constraint=models.UniqueConstraint(condition=models.Q(('returned_on__isnull', True)), fields=('phone',), name='phone_bought_once'),
            ),
            migrations.AddConstraint(
                model_name='purchase',
                constraint=models.CheckConstraint(condition=models.Q(('returned_on__isnull', True), models.Q(('return_reason', ''), _negated=True), _connector='OR'), name='purchase_return_has_reason'),
            ),
            migrations.AddConstraint(
                model_name='instalment',
                constraint=models.UniqueConstraint(fields=('purchase', 'sequence'), name='instalment_once'),
            ),
            migrations.AddConstraint(
                model_name='instalment',
                constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='instalment_positive'),
            ),
            migrations.AddIndex(
                model_name='historicalinstalment',
                index=models.Index(fields=['id', '-history_date', '-history_id'], name='hardware_hi_id_99d99e_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalinstalment',
                index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='hardware_hi_history_219c86_idx'),
            ),
            migrations.AddIndex(
                model_name='historicalinstalment',
                index=models.Index(fields=['-history_date', '-history_id'], name='hardware_hi_history_e73b65_idx'),
            ),
        ]),
    ]
