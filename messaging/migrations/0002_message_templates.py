"""The first text of every kind of message, in English and Italian. Leads and managers change them on their pages."""

from django.db import migrations

from core.schema import with_first_version

ENGLISH_END = """\
Kind regards
{{ company }}{% if contact %}
{{ contact }}{% endif %}{% if company_address %}
{{ company_address }}{% endif %}{% if registration_number %}
Registration number {{ registration_number }}{% endif %}{% if tax_number %}
Tax number {{ tax_number }}{% endif %}
"""

ITALIAN_END = """\
Cordiali saluti
{{ company }}{% if contact %}
{{ contact }}{% endif %}{% if company_address %}
{{ company_address }}{% endif %}{% if registration_number %}
Numero di iscrizione {{ registration_number }}{% endif %}{% if tax_number %}
Partita IVA {{ tax_number }}{% endif %}
"""

ENGLISH = {
    "acknowledgement": (
        "We have your complaint {{ code }}",
        """\
Dear {{ name }},

thank you for writing to us. Your complaint “{{ subject }}” reached us on {{ received_on }}. Its code is {{ code }}: please name it whenever you write or call about it.

You will have our decision by {{ decide_by }}.
""",
    ),
    "question": (
        "A question about your complaint {{ code }}",
        """\
Dear {{ name }},

we are looking into your complaint {{ code }}, “{{ subject }}”, and need something from you to go on:

{{ question|default:"…" }}

A short answer to this message is enough. Please leave the code in the subject.
""",
    ),
    "decision_upheld": (
        "Our decision on your complaint {{ code }}",
        """\
Dear {{ name }},

we have looked into your complaint {{ code }}, “{{ subject }}”. {% if partly %}We find it justified in part.{% else %}We find it justified.{% endif %}

{{ reasons }}
{% if refund_total %}
We give you back {{ refund_total }}.
{% if calculation %}
This is how we got there:
{% for line in calculation %}- {{ line }}
{% endfor %}{% endif %}{% if remedies %}
You get it as follows:
{% for remedy in remedies %}- {{ remedy }}
{% endfor %}{% endif %}{% endif %}{% if appeal_route %}
If you see it otherwise, you can turn to {{ appeal_route }}.
{% endif %}
""",
    ),
    "decision_rejected": (
        "Our decision on your complaint {{ code }}",
        """\
Dear {{ name }},

we have looked into your complaint {{ code }}, “{{ subject }}”, and cannot uphold it. These are our reasons:

{{ reasons }}

If you see it otherwise, you can turn to {{ appeal_route }}.
""",
    ),
    "credit_applied": (
        "Your credit was used on invoice {{ invoice }}",
        """\
Dear {{ name }},

we have taken {{ amount }} of your credit off invoice {{ invoice }} for subscription {{ subscription }}. {% if nothing_due %}Nothing is left to pay on it.{% else %}{{ due }} of it is left to pay, by {{ due_on }}.{% endif %}
{% if remaining %}
{{ remaining }} of your credit is kept for later invoices.
{% endif %}
""",
    ),
    "invoice_void": (
        "Invoice {{ invoice }} is void",
        """\
Dear {{ name }},

our invoice {{ invoice }} for subscription {{ subscription }} is void, and nothing is to pay on it. Our credit note {{ credit_note }} over {{ amount }} says so.
{% if given_back %}
{{ given_back }} of it had been taken off by a credit of yours. That credit is yours again.
{% endif %}
""",
    ),
    "payout_made": (
        "We have paid you {{ amount }}",
        """\
Dear {{ name }},

on {{ paid_on }} we paid {{ amount }} to your account{% if account %} {{ account }}{% endif %}. The bank's reference is {{ reference }}. It can take your bank a few days to show it.
""",
    ),
    "cancellation_confirmed": (
        "Your cancellation of {{ subscription }}",
        """\
Dear {{ name }},

you asked us on {{ requested_on }} to cancel subscription {{ subscription }}, {{ plan }}. {% if last_day %}The last day of service, with everything it includes, is {{ last_day }}; it ends then by itself.{% else %}It never begins, and you owe us nothing for it.{% endif %}{% if voided %} What we had invoiced since is void ({{ voided }}): you do not have to pay it, and what you have paid of it is yours.{% else %} You get no further invoice for it.{% endif %}

Phones that you have bought from us stay yours as agreed.{% if last_day %}{% if not voided %} If you change your mind, tell us before {{ last_day }}.{% endif %}{% endif %}
""",
    ),
    "staff_digest": (
        "What waits for you, {{ day }}",
        """\
Good day {{ name }},
{% if proposals %}
these proposals wait for your approval:
{% for line in proposals %}- {{ line }}
{% endfor %}{% endif %}{% if deadlines %}
these cases are about to miss a deadline:
{% for line in deadlines %}- {{ line }}
{% endfor %}{% endif %}{% if returned %}
these proposals of yours came back:
{% for line in returned %}- {{ line }}
{% endfor %}{% endif %}{% if others %}
and besides:
{% for line in others %}- {{ line }}
{% endfor %}{% endif %}{% if not proposals and not deadlines and not returned and not others %}
nothing waits for you today.
{% endif %}{% if link %}
{{ link }}
{% endif %}
""",
    ),
    "staff_escalation": (
        "{{ code }} is on level {{ level }} now",
        """\
Good day {{ name }},

{{ code }}, “{{ subject }}” of {{ customer }}, is on level {{ level }} now.{% if reason %} {{ reason }}{% endif %}{% if decide_by %}

It is to be decided by {{ decide_by }}.{% endif %}{% if link %}

{{ link }}{% endif %}
""",
    ),
    "staff_incident": (
        "{{ incident }} was changed after you approved a refund",
        """\
Good day {{ name }},

{{ person }} has changed the incident {{ incident }}, “{{ title }}”{% if reason %}: {{ reason }}{% endif %}.

You approved these refunds, which counted it as it was before:
{% for refund in refunds %}- {{ refund }}
{% endfor %}
They stay as they are. If one of them gave too much, it can be reversed.{% if link %}

{{ link }}{% endif %}
""",
    ),
    "message": (
        "About your complaint {{ code }}",
        """\
Dear {{ name }},

this is about your complaint {{ code }}, “{{ subject }}”.

{{ message|default:"…" }}
""",
    ),
    "refund_settled": (
        "Your refund {{ refund }}",
        """\
Dear {{ name }},

on your complaint {{ code }}, “{{ subject }}”, we gave you back {{ amount }} on {{ day }} (refund {{ refund }}).

{{ about }}
{% for line in calculation %}- {{ line }}
{% endfor %}{% if remedies %}
You get it as follows:
{% for remedy in remedies %}- {{ remedy }}
{% endfor %}{% endif %}
""",
    ),
    "refund_reversed": (
        "Your refund {{ refund }} was taken back",
        """\
Dear {{ name }},

on {{ day }} we took back {{ taken_back }} of the refund {{ refund }} over {{ amount }}, which we gave on your complaint {{ code }}, “{{ subject }}”.

{{ about }}
{% for line in lines %}- {{ line }}
{% endfor %}
If you see it otherwise, please write to us and name the code {{ code }}.
""",
    ),
    "refund_ended": (
        "Your refund {{ refund }} is not given",
        """\
Dear {{ name }},

we had told you of a refund of {{ amount }} on your complaint {{ code }}, “{{ subject }}” (refund {{ refund }}). It is not given. We are sorry that we told you of it before it was final.

If you see it otherwise, please write to us and name the code {{ code }}.
""",
    ),
    "bank_details_changed": (
        "Your bank details were changed",
        """\
Dear {{ name }},

on {{ changed_on }} the bank details that we keep for you were changed. {% if account %}We would now pay to the account that ends in {{ account }}.{% else %}There is no account on file any more.{% endif %}

If you did not ask for this, please tell us at once.
""",
    ),
    "end_moved": (
        "The end of {{ subscription }}",
        """\
Dear {{ name }},

{% if last_day %}the last day of your subscription {{ subscription }}, {{ plan }}, is now {{ last_day }}.{% else %}your subscription {{ subscription }}, {{ plan }}, is not cancelled any more: it goes on.{% endif %}

If you did not expect this, please tell us at once.
""",
    ),
}

ITALIAN = {
    "acknowledgement": (
        "Abbiamo ricevuto il suo reclamo {{ code }}",
        """\
Gentile {{ name }},

grazie per averci scritto. Il suo reclamo “{{ subject }}” ci è pervenuto in data {{ received_on }}. Il suo codice è {{ code }}: la preghiamo di indicarlo ogni volta che ci scrive o ci telefona.

Le comunicheremo la nostra decisione; ultimo giorno: {{ decide_by }}.
""",
    ),
    "question": (
        "Una domanda sul suo reclamo {{ code }}",
        """\
Gentile {{ name }},

stiamo esaminando il suo reclamo {{ code }}, “{{ subject }}”, e per proseguire abbiamo bisogno di sapere:

{{ question|default:"…" }}

Basta una breve risposta a questo messaggio. La preghiamo di lasciare il codice nell'oggetto.
""",
    ),
    "decision_upheld": (
        "La nostra decisione sul suo reclamo {{ code }}",
        """\
Gentile {{ name }},

abbiamo esaminato il suo reclamo {{ code }}, “{{ subject }}”. {% if partly %}Lo riteniamo fondato in parte.{% else %}Lo riteniamo fondato.{% endif %}

{{ reasons }}
{% if refund_total %}
Le restituiamo {{ refund_total }}.
{% if calculation %}
Ecco il calcolo:
{% for line in calculation %}- {{ line }}
{% endfor %}{% endif %}{% if remedies %}
La restituzione avviene così:
{% for remedy in remedies %}- {{ remedy }}
{% endfor %}{% endif %}{% endif %}{% if appeal_route %}
Se non è d'accordo, può rivolgersi a: {{ appeal_route }}.
{% endif %}
""",
    ),
    "decision_rejected": (
        "La nostra decisione sul suo reclamo {{ code }}",
        """\
Gentile {{ name }},

abbiamo esaminato il suo reclamo {{ code }}, “{{ subject }}”, e non possiamo accoglierlo. Questi sono i motivi:

{{ reasons }}

Se non è d'accordo, può rivolgersi a: {{ appeal_route }}.
""",
    ),
    "credit_applied": (
        "Il suo credito è stato usato sulla fattura {{ invoice }}",
        """\
Gentile {{ name }},

abbiamo detratto {{ amount }} del suo credito dalla fattura {{ invoice }} dell'abbonamento {{ subscription }}. {% if nothing_due %}Non resta nulla da pagare.{% else %}Restano da pagare {{ due }}, con scadenza {{ due_on }}.{% endif %}
{% if remaining %}
{{ remaining }} del suo credito restano a disposizione per le prossime fatture.
{% endif %}
""",
    ),
    "invoice_void": (
        "La fattura {{ invoice }} è annullata",
        """\
Gentile {{ name }},

la nostra fattura {{ invoice }} dell'abbonamento {{ subscription }} è annullata e non c'è nulla da pagare. Lo attesta la nostra nota di credito {{ credit_note }} di {{ amount }}.
{% if given_back %}
{{ given_back }} erano stati detratti da un suo credito, che torna a sua disposizione.
{% endif %}
""",
    ),
    "payout_made": (
        "Le abbiamo pagato {{ amount }}",
        """\
Gentile {{ name }},

in data {{ paid_on }} abbiamo pagato {{ amount }} sul suo conto{% if account %} {{ account }}{% endif %}. Il riferimento della banca è {{ reference }}. La sua banca può impiegare qualche giorno a mostrarlo.
""",
    ),
    "cancellation_confirmed": (
        "La disdetta di {{ subscription }}",
        """\
Gentile {{ name }},

in data {{ requested_on }} ci ha chiesto di disdire l'abbonamento {{ subscription }}, {{ plan }}. {% if last_day %}Ultimo giorno di servizio, con tutto ciò che comprende: {{ last_day }}; poi l'abbonamento termina da sé.{% else %}L'abbonamento non inizia, e non ci deve nulla.{% endif %}{% if voided %} Ciò che abbiamo fatturato da allora è annullato ({{ voided }}): non deve pagarlo, e quanto ne ha già pagato resta suo.{% else %} Non riceverà altre fatture per questo abbonamento.{% endif %}

I telefoni che ha acquistato da noi restano suoi come concordato.{% if last_day %}{% if not voided %} Se cambia idea, ci avvisi prima di quel giorno.{% endif %}{% endif %}
""",
    ),
    "staff_digest": (
        "Che cosa la aspetta, {{ day }}",
        """\
Buongiorno {{ name }},
{% if proposals %}
queste proposte attendono la sua approvazione:
{% for line in proposals %}- {{ line }}
{% endfor %}{% endif %}{% if deadlines %}
questi casi stanno per mancare una scadenza:
{% for line in deadlines %}- {{ line }}
{% endfor %}{% endif %}{% if returned %}
queste sue proposte sono tornate indietro:
{% for line in returned %}- {{ line }}
{% endfor %}{% endif %}{% if others %}
e inoltre:
{% for line in others %}- {{ line }}
{% endfor %}{% endif %}{% if not proposals and not deadlines and not returned and not others %}
oggi nulla la aspetta.
{% endif %}{% if link %}
{{ link }}
{% endif %}
""",
    ),
    "staff_escalation": (
        "{{ code }} è ora al livello {{ level }}",
        """\
Buongiorno {{ name }},

{{ code }}, “{{ subject }}” di {{ customer }}, è ora al livello {{ level }}.{% if reason %} {{ reason }}{% endif %}{% if decide_by %}

Ultimo giorno per decidere: {{ decide_by }}.{% endif %}{% if link %}

{{ link }}{% endif %}
""",
    ),
    "staff_incident": (
        "{{ incident }} è stato modificato dopo un rimborso che ha approvato",
        """\
Buongiorno {{ name }},

{{ person }} ha modificato il disservizio {{ incident }}, “{{ title }}”{% if reason %}: {{ reason }}{% endif %}.

Lei ha approvato questi rimborsi, calcolati sui dati di prima:
{% for refund in refunds %}- {{ refund }}
{% endfor %}
Restano come sono. Se uno di essi ha dato troppo, può essere stornato.{% if link %}

{{ link }}{% endif %}
""",
    ),
    "message": (
        "Il Suo reclamo {{ code }}",
        """\
Gentile {{ name }},

Le scriviamo a proposito del Suo reclamo {{ code }}, “{{ subject }}”.

{{ message|default:"…" }}
""",
    ),
    "refund_settled": (
        "Il Suo rimborso {{ refund }}",
        """\
Gentile {{ name }},

per il Suo reclamo {{ code }}, “{{ subject }}”, il {{ day }} Le abbiamo riconosciuto {{ amount }} (rimborso {{ refund }}).

{{ about }}
{% for line in calculation %}- {{ line }}
{% endfor %}{% if remedies %}
Li riceve così:
{% for remedy in remedies %}- {{ remedy }}
{% endfor %}{% endif %}
""",
    ),
    "refund_reversed": (
        "Il Suo rimborso {{ refund }} è stato stornato",
        """\
Gentile {{ name }},

il {{ day }} abbiamo stornato {{ taken_back }} del rimborso {{ refund }} di {{ amount }}, riconosciuto per il Suo reclamo {{ code }}, “{{ subject }}”.

{{ about }}
{% for line in lines %}- {{ line }}
{% endfor %}
Se non è d’accordo, ci scriva indicando il codice {{ code }}.
""",
    ),
    "refund_ended": (
        "Il Suo rimborso {{ refund }} non viene riconosciuto",
        """\
Gentile {{ name }},

Le avevamo annunciato un rimborso di {{ amount }} per il Suo reclamo {{ code }}, “{{ subject }}” (rimborso {{ refund }}). Non viene riconosciuto. Ci scusiamo di averglielo annunciato prima che fosse definitivo.

Se non è d’accordo, ci scriva indicando il codice {{ code }}.
""",
    ),
    "bank_details_changed": (
        "Le Sue coordinate bancarie sono state modificate",
        """\
Gentile {{ name }},

il {{ changed_on }} sono state modificate le coordinate bancarie che conserviamo per Lei. {% if account %}D’ora in poi pagheremmo sul conto che termina con {{ account }}.{% else %}Non risulta più alcun conto.{% endif %}

Se non lo ha chiesto Lei, ci avvisi subito.
""",
    ),
    "end_moved": (
        "Il termine di {{ subscription }}",
        """\
Gentile {{ name }},

{% if last_day %}l’ultimo giorno del Suo abbonamento {{ subscription }}, {{ plan }}, è ora il {{ last_day }}.{% else %}la disdetta del Suo abbonamento {{ subscription }}, {{ plan }}, è stata revocata: l’abbonamento continua.{% endif %}

Se non se lo aspettava, ci avvisi subito.
""",
    ),
}


def write_templates(apps, schema_editor):
    MessageTemplate = apps.get_model("messaging", "MessageTemplate")
    for language, texts, end in (("en", ENGLISH, ENGLISH_END), ("it", ITALIAN, ITALIAN_END)):
        for kind, (subject, body) in texts.items():
            words = {"subject": subject, "body": f"{body.rstrip()}\n\n{end}"}
            row, made = MessageTemplate.objects.get_or_create(kind=kind, language=language, defaults=words)
            if made:
                with_first_version(apps, row, "The text that is shipped")


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [migrations.RunPython(write_templates, migrations.RunPython.noop)]
