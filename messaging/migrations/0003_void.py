from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0002_message_templates'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalmessagetemplate',
            name='kind',
            field=models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('invoice_void', 'Invoice void'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='messagetemplate',
            name='kind',
            field=models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('invoice_void', 'Invoice void'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='kind',
            field=models.CharField(choices=[('acknowledgement', 'Complaint received'), ('question', 'Question to the customer'), ('decision_upheld', 'Decision: upheld, wholly or partly'), ('decision_rejected', 'Decision: rejected'), ('message', 'Message about a complaint'), ('refund_settled', 'Refund settled'), ('refund_reversed', 'Refund taken back'), ('refund_ended', 'Refund not given after all'), ('bank_details_changed', 'Bank details changed'), ('credit_applied', 'Credit applied to an invoice'), ('invoice_void', 'Invoice void'), ('payout_made', 'Payout made'), ('cancellation_confirmed', 'Cancellation confirmed'), ('end_moved', 'End of service moved'), ('staff_digest', 'Digest for a staff member'), ('staff_escalation', 'A case was escalated'), ('staff_incident', 'An incident was changed after a refund')], max_length=24, verbose_name='kind'),
        ),
    ]
