"""What a person wrote in a mail: quotes, forwards, signatures."""

# ruff: noqa: RUF001 -- letters of many scripts, meant as they stand.

import time

import pytest

from align.ingest.formats.mail_text import SplitMail, split_mail, unflowed, unwrapped
from align.ingest.readers.mail import Signatures

# One line before a quote in each language, as Gmail, Apple Mail, Outlook or Thunderbird write it.
HEADINGS = {
    "English": "On Mon, Jan 8, 2024 at 3:07 PM Bob Reed <bob@example.org> wrote:",
    "English, Apple": "On 8 Jan 2024, at 15:07, Bob Reed <bob@example.org> wrote:",
    "German": "Am 08.01.2024 um 15:07 schrieb Bob Reed <bob@example.org>:",
    "German, Gmail": "Am Mo., 8. Jan. 2024 um 15:07 Uhr schrieb Bob Reed <bob@example.org>:",
    "French": "Le lun. 8 janv. 2024 à 15:07, Bob Reed <bob@example.org> a écrit :",
    "Spanish": "El lun, 8 ene 2024 a las 15:07, Bob Reed (<bob@example.org>) escribió:",
    "Italian": "Il giorno lun 8 gen 2024 alle ore 15:07 Bob Reed <bob@example.org> ha scritto:",
    "Portuguese": "Em seg., 8 de jan. de 2024 às 15:07, Bob Reed <bob@example.org> escreveu:",
    "Dutch": "Op ma 8 jan 2024 om 15:07 schreef Bob Reed <bob@example.org>:",
    "Swedish": "Den mån 8 jan. 2024 kl 15:07 skrev Bob Reed <bob@example.org>:",
    "Danish": "Den man. 8. jan. 2024 kl. 15.07 skrev Bob Reed <bob@example.org>:",
    "Finnish": "ma 8. tammik. 2024 klo 15.07 Bob Reed (bob@example.org) kirjoitti:",
    "Polish": "pon., 8 sty 2024 o 15:07 Bob Reed <bob@example.org> napisał(a):",
    "Czech": "po 8. 1. 2024 v 15:07 odesílatel Bob Reed <bob@example.org> napsal:",
    "Russian": "пн, 8 янв. 2024 г. в 15:07, Bob Reed <bob@example.org>:",
    "Russian, Mail": "8 янв. 2024 г., в 15:07, Bob Reed <bob@example.org> написал(а):",
    "Hungarian": "Bob Reed <bob@example.org> ezt írta (időpont: 2024. jan. 8., H, 15:07):",
    "Turkish": "Bob Reed <bob@example.org>, 8 Oca 2024 Pzt, 15:07 tarihinde şunu yazdı:",
    "Japanese": "2024年1月8日(月) 15:07 Bob Reed <bob@example.org>:",
    "Chinese": "Bob Reed <bob@example.org> 于2024年1月8日周一 15:07写道：",
    "Korean": "2024년 1월 8일 (월) 오후 3:07, Bob Reed <bob@example.org>님이 작성:",
}


@pytest.mark.parametrize("language", HEADINGS)
def test_the_line_before_a_quote_is_known_in_many_languages(language: str):
    found = split_mail(f"Yes.\n\n{HEADINGS[language]}\n\n> Dinner?\n> Or lunch?\n>\n> > older\n")
    assert (found.own, found.quoted) == ("Yes.", "Dinner?\nOr lunch?")
    assert found.address == "bob@example.org"


@pytest.mark.parametrize("language", ["English", "German", "French", "Italian", "Dutch", "Swedish"])
def test_the_author_of_a_quote_is_named_by_the_line_before_it(language: str):
    assert split_mail(f"Yes.\n\n{HEADINGS[language]}\n> Dinner?").author == "Bob Reed"


@pytest.mark.parametrize(
    "language", ["English", "German", "French", "Spanish", "Polish", "Turkish"]
)
def test_a_quote_without_marks_is_known_by_the_line_before_it(language: str):
    found = split_mail(f"Yes.\n\n{HEADINGS[language]}\n\nDinner?\n")
    assert (found.own, found.quoted) == ("Yes.", "Dinner?")


def test_a_broken_line_before_a_quote_is_one():
    text = "Yes.\n\nOn Mon, Jan 8, 2024 at 3:07 PM Bob Reed <\nbob@example.org> wrote:\n\n> Dinner?"
    assert split_mail(text) == SplitMail("Yes.", "Dinner?", "Bob Reed", "bob@example.org")


@pytest.mark.parametrize(
    "fields",
    [
        "From: Bob Reed <bob@example.org>\nSent: Monday, 8 January 2024\nTo: Ann\nSubject: Food",
        "Von: Bob Reed <bob@example.org>\nGesendet: Montag, 8. Januar 2024\nAn: Ann\nBetreff: E",
        "De : Bob Reed <bob@example.org>\nEnvoyé : lundi 8 janvier 2024\nÀ : Ann\nObjet : Repas",
        "De: Bob Reed <bob@example.org>\nEnviado: lunes, 8 de enero\nPara: Ann\nAsunto: Cena",
        "Da: Bob Reed <bob@example.org>\nInviato: lunedì 8 gennaio 2024\nA: Ann\nOggetto: Cena",
        "Från: Bob Reed <bob@example.org>\nSkickat: den 8 januari 2024\nTill: Ann\nÄmne: Mat",
        "*From:* Bob Reed <bob@example.org>\n*Sent:* Monday\n*To:* Ann\n*Subject:* Food",
    ],
)
def test_the_block_that_outlook_writes_ends_the_own_text(fields: str):
    for above in ("", "________________________________\n", "-----Original Message-----\n"):
        found = split_mail(f"Yes.\n\n{above}{fields}\n\nDinner?\n")
        assert (found.own, found.quoted, found.author) == ("Yes.", "Dinner?", "Bob Reed")


def test_answers_between_quoted_lines_are_all_taken():
    text = "> Where?\n\nAt home.\n\n> When?\n\nAt eight."
    assert split_mail(text) == SplitMail("At home.\n\nAt eight.", "Where?\n\nWhen?")


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
        "---------- Message transféré ---------",
        "Inicio del mensaje reenviado:",
    ],
)
def test_only_what_stands_above_a_forwarded_mail_is_the_senders(line: str):
    rest = f"{line}\nFrom: Bob <b@example.org>\nDate: Mon\nSubject: x\n\nBob's text"
    assert split_mail(f"Look.\n\n{rest}") == SplitMail("Look.", is_forward=True)
    assert split_mail(rest) == SplitMail("", is_forward=True)


def test_outlooks_block_is_a_forward_where_the_subject_says_so():
    text = "Look.\n\nFrom: Bob\nSent: Monday\nTo: Ann\nSubject: Food\n\nBob's text"
    assert split_mail(text, "FW: Food") == SplitMail("Look.", is_forward=True)
    assert split_mail(text, "Re: Food").quoted == "Bob's text"


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone", "Von meinem iPhone gesendet", "Envoyé de mon iPhone",
        "Enviado desde mi iPhone", "Inviato da iPhone", "Verzonden vanaf mijn iPhone",
        "Skickat från min iPhone", "Sendt fra min iPhone", "Wysłane z iPhone'a",
        "Odesláno z iPhonu", "Отправлено с iPhone", "iPhone'umdan gönderildi", "发自我的iPhone",
        "iPhoneから送信", "나의 iPhone에서 보냄", "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Gesendet mit der Outlook App", "Lähetetty iPhonesta",
    ],
)  # fmt: skip
def test_a_phones_own_line_is_gone(line: str):
    assert split_mail(f"Running late.\n\n{line}\n").own == "Running late."


def test_what_stands_below_the_mark_of_a_signature_is_gone():
    assert (
        split_mail("See you.\n\nAnn\n\n-- \nAnn Kessler\n+49 30 1234567").own == "See you.\n\nAnn"
    )
    assert split_mail("See you.\n--\nAnn Kessler").own == "See you."


def test_a_list_and_a_rule_are_no_signature():
    text = "To buy:\n- bread\n- tea\n\nwhat she wrote:\n\nnothing."
    assert split_mail(text) == SplitMail(text)


def test_a_signed_mail_loses_its_armour():
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n"
    )
    assert split_mail(text).own == "Hello"


def test_lines_that_a_program_broke_are_joined_and_those_of_a_person_stay():
    text = (
        "I think that we should go there before the rain begins, because afterwards\n"
        "nobody will want to walk.\nShort line.\nAnother."
    )
    assert unwrapped(text) == (
        "I think that we should go there before the rain begins, because afterwards "
        "nobody will want to walk.\nShort line.\nAnother."
    )
    poem = "Roses are red\nviolets are blue"
    assert unwrapped(poem) == poem


def test_flowed_text_flows():
    assert unflowed("one \ntwo\nthree\n> a \n> b\n-- \nAnn") == "one two\nthree\n> a b\n-- \nAnn"
    assert unflowed("東 \n京", delete_space=True) == "東京"


def test_a_signature_is_learned_from_the_mails_that_it_ends():
    endings = Signatures()
    signature = "Ann Kessler\nHarbour Office\n+49 30 1234567"
    mails = [f"Mail number {n}.\n\nLove, Ann\n\n{signature}" for n in range(6)]
    for mail in mails:
        endings.learn(mail)
    assert endings.without(mails[0]) == "Mail number 0.\n\nLove, Ann"
    assert endings.without(signature)


def test_how_the_owner_ends_a_letter_is_no_signature():
    endings = Signatures()
    mails = [f"Mail number {n}.\n\nLove,\nAnn" for n in range(9)]
    for mail in mails:
        endings.learn(mail)
    assert endings.without(mails[0]) == mails[0]


@pytest.mark.parametrize(
    "text",
    ["On " * 200_000, ("On 1 May 2024 " * 20 + ":\n") * 200, "From: a\n" * 20_000, "-" * 500_000,
     "> " * 200_000, "\n" * 500_000, "On 1:00 " + "a" * 300 + " wrote", "_" * 100_000 + "\n"],
)  # fmt: skip
def test_long_lines_take_no_time(text: str):
    started = time.process_time()
    split_mail(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "notice",
    [
        "This e-mail and any attachments are confidential and intended for the addressee. If "
        "you have received it in error please notify the sender and delete it.",
        "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der Adressat sind "
        "oder diese E-Mail irrtümlich erhalten haben, informieren Sie bitte den Absender.",
        "Ce message et toutes les pièces jointes sont confidentiels et destinés à leurs seuls "
        "destinataires. Si vous l'avez reçu par erreur, merci de le supprimer.",
        "Este mensaje es confidencial y va a su destinatario. Si se ha recibido por error, "
        "le rogamos que lo elimine.",
        "Questo messaggio è riservato al destinatario. Se ricevuto per errore, si prega di "
        "distruggerlo.",
        "Dit bericht is vertrouwelijk en bedoeld voor de geadresseerde. Heeft u het abusievelijk "
        "ontvangen, verwijder het dan.",
        "Wiadomość jest poufna i przeznaczona dla adresata. Jeśli otrzymali ją Państwo omyłkowo, "
        "prosimy ją usunąć.",
    ],
)
def test_the_notice_that_a_mail_is_confidential_is_cut(notice: str) -> None:
    own = "The rope arrived on Monday.\n\nKind regards,\nAnn"
    assert split_mail(f"{own}\n\n{notice}\n").own == own
    assert split_mail(f"{own}\n\n{notice}\n\n{notice}").own == own
    kept = "What I tell you is confidential, and please delete it."
    assert split_mail(kept).own == kept


@pytest.mark.parametrize(
    "line",
    ["W dniu 16.05.2023 o 09:12, Bo Quill pisze:", "Dne 16.05.2023 v 09:12 Bo Quill píše:",
     "Am 16.05.2023 um 09:12 schreibt Bo Quill:", "Den 16.05.2023 09:12, Bo Quill skriver:",
     "Em 16/05/2023 09:12, Bo Quill escreve:"],
)  # fmt: skip
def test_the_line_above_a_quote_is_known_in_the_present_tense(line: str) -> None:
    assert split_mail(f"It arrived.\n\n{line}\n> It left.").own == "It arrived."
