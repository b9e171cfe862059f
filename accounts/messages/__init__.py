"""What customers and staff are told by e-mail.

``kinds`` lists the fields of each kind of message; ``template_text`` checks and renders templates; ``reader`` writes
figures and days in the reader's language; ``outbox`` puts a message on its way within the caller's transaction;
``background``, ``sending`` and
``transport`` hand it to the mail server; ``bounces`` reads what came back.
"""
