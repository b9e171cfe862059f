import audit.context
import core.fields
import django.db.models.deletion
import django.db.models.expressions
import simple_history.models
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_search_indexes'),
        ('billing', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalInvoiceVoid',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('history_actor_name', models.CharField(default=audit.context.actor_name, editable=False, max_length=200)),
                ('history_request_id', models.CharField(default=audit.context.request_id, editable=False, max_length=32)),
                ('history_source', models.CharField(default=audit.context.source, editable=False, max_length=10)),
                ('history_change_reason', models.TextField(blank=True, default='')),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn')], default='proposed', max_length=10, verbose_name='state')),
                ('reason', models.TextField(verbose_name='reason')),
                ('proposed_at', models.DateTimeField(verbose_name='proposed at')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('amount', core.fields.MoneyField(verbose_name='amount')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical voiding of an invoice',
                'verbose_name_plural': 'historical voidings of invoices',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='InvoiceVoid',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn')], default='proposed', max_length=10, verbose_name='state')),
                ('reason', models.TextField(verbose_name='reason')),
                ('proposed_at', models.DateTimeField(verbose_name='proposed at')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('amount', core.fields.MoneyField(verbose_name='amount')),
            ],
            options={
                'verbose_name': 'voiding of an invoice',
                'verbose_name_plural': 'voidings of invoices',
                'ordering': ('-proposed_at', '-pk'),
            },
        ),
        migrations.RemoveConstraint(
            model_name='creditnote',
            name='credit_note_reversal_names_its_note',
        ),
        migrations.RemoveConstraint(
            model_name='invoice',
            name='invoice_not_negative',
        ),
        migrations.RemoveConstraint(
            model_name='invoice',
            name='invoice_not_overpaid',
        ),
        migrations.RemoveConstraint(
            model_name='invoice',
            name='invoice_state_fits',
        ),
        migrations.AddField(
            model_name='credit',
            name='void_invoice',
            field=models.OneToOneField(blank=True, help_text='Of which it is what credits had borne.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='void_credit', to='billing.invoice', verbose_name='void invoice'),
        ),
        migrations.AddField(
            model_name='creditnote',
            name='invoice',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='void_note', to='billing.invoice', verbose_name='void invoice'),
        ),
        migrations.AddField(
            model_name='historicalcredit',
            name='void_invoice',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Of which it is what credits had borne.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='billing.invoice', verbose_name='void invoice'),
        ),
        migrations.AddField(
            model_name='historicalinvoice',
            name='voided',
            field=core.fields.MoneyField(default=Decimal('0'), verbose_name='voided'),
        ),
        migrations.AddField(
            model_name='historicalinvoice',
            name='voided_on',
            field=models.DateField(blank=True, null=True, verbose_name='voided on'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='voided',
            field=core.fields.MoneyField(default=Decimal('0'), verbose_name='voided'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='voided_on',
            field=models.DateField(blank=True, null=True, verbose_name='voided on'),
        ),
        migrations.AlterField(
            model_name='creditnote',
            name='kind',
            field=models.CharField(choices=[('refund', 'Credit note'), ('reversal', 'Reversal of a credit note'), ('void', 'Credit note for a voided period'), ('invoice', 'Credit note for a void invoice')], max_length=10, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='creditnote',
            name='period',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='billing.billingperiod', verbose_name='period'),
        ),
        migrations.AlterField(
            model_name='creditnote',
            name='tax_rate',
            field=core.fields.RateField(blank=True, null=True, verbose_name='tax rate'),
        ),
        migrations.AlterField(
            model_name='historicalinvoice',
            name='state',
            field=models.CharField(choices=[('issued', 'To pay'), ('paid', 'Paid'), ('overdue', 'Overdue'), ('written_off', 'Written off'), ('void', 'Void')], default='issued', max_length=12, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='state',
            field=models.CharField(choices=[('issued', 'To pay'), ('paid', 'Paid'), ('overdue', 'Overdue'), ('written_off', 'Written off'), ('void', 'Void')], default='issued', max_length=12, verbose_name='state'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('refund', 'void', 'invoice')), ('reverses__isnull', True)), models.Q(('kind', 'reversal'), ('reverses__isnull', False)), _connector='OR'), name='credit_note_reversal_names_its_note'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('invoice__isnull', False), ('kind', 'invoice'), ('period__isnull', True), ('tax_rate__isnull', True)), models.Q(models.Q(('kind', 'invoice'), _negated=True), ('invoice__isnull', True), ('period__isnull', False), ('tax_rate__isnull', False)), _connector='OR'), name='credit_note_of_period_or_void_invoice'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('credited__gte', 0), ('net__gte', 0), ('paid__gte', 0), ('tax__gte', 0), ('charged_back__gte', 0), ('set_off__gte', 0), ('voided__gte', 0), ('written_off__gte', 0)), name='invoice_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('gross__gte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('credited'), '+', models.F('paid')), '+', models.F('set_off')), '+', models.F('written_off')), '+', models.F('voided')))), name='invoice_not_overpaid'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'void'), ('voided_on__isnull', False)), models.Q(('voided', 0), ('voided_on__isnull', True), models.Q(('state', 'void'), _negated=True)), _connector='OR'), name='invoice_void_has_a_day'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disputed_on__isnull', True), ('gross', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('credited'), '+', models.F('set_off')), '+', models.F('voided'))), ('paid', 0), ('state', 'void'), ('written_off', 0)), models.Q(('gross', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('credited'), '+', models.F('paid')), '+', models.F('set_off'))), ('state', 'paid'), ('written_off', 0)), models.Q(('gross', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('credited'), '+', models.F('paid')), '+', models.F('set_off')), '+', models.F('written_off'))), ('state', 'written_off'), ('written_off__gt', 0)), models.Q(('gross__gt', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('credited'), '+', models.F('paid')), '+', models.F('set_off')), '+', models.F('written_off'))), ('state__in', ('issued', 'overdue'))), _connector='OR'), name='invoice_state_fits'),
        ),
        migrations.AddField(
            model_name='historicalinvoicevoid',
            name='credit_note',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='billing.creditnote', verbose_name='credit note'),
        ),
        migrations.AddField(
            model_name='historicalinvoicevoid',
            name='decided_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='historicalinvoicevoid',
            name='history_user',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalinvoicevoid',
            name='invoice',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='billing.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='historicalinvoicevoid',
            name='proposed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by'),
        ),
        migrations.AddField(
            model_name='invoicevoid',
            name='credit_note',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='void', to='billing.creditnote', verbose_name='credit note'),
        ),
        migrations.AddField(
            model_name='invoicevoid',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='invoicevoid',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='voids', to='billing.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='invoicevoid',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by'),
        ),
        migrations.AddIndex(
            model_name='historicalinvoicevoid',
            index=models.Index(fields=['id', '-history_date', '-history_id'], name='billing_his_id_3e4f45_idx'),
        ),
        migrations.AddIndex(
            model_name='historicalinvoicevoid',
            index=models.Index(fields=['history_user', '-history_date', '-history_id'], name='billing_his_history_b994db_idx'),
        ),
        migrations.AddIndex(
            model_name='historicalinvoicevoid',
            index=models.Index(fields=['-history_date', '-history_id'], name='billing_his_history_a50e2b_idx'),
        ),
        migrations.AddConstraint(
            model_name='invoicevoid',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='invoice_void_positive'),
        ),
        migrations.AddConstraint(
            model_name='invoicevoid',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'approved'), _negated=True), models.Q(('decided_by__isnull', False), models.Q(('decided_by', models.F('proposed_by')), _negated=True)), _connector='OR'), name='invoicevoid_approved_by_another'),
        ),
        migrations.AddConstraint(
            model_name='invoicevoid',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('credit_note__isnull', False), ('state', 'approved')), models.Q(models.Q(('state', 'approved'), _negated=True), ('credit_note__isnull', True)), _connector='OR'), name='invoice_void_approved_has_its_note'),
        ),
        migrations.AddConstraint(
            model_name='invoicevoid',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('proposed', 'approved'))), fields=('invoice',), name='invoice_void_once'),
        ),
    ]
