"""What is private in a text is replaced: all of it, nothing else, and no word is cut."""

import re
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from align.owner import Owner
from align.privacy.name_words import GIVEN, SURNAMES
from align.privacy.redaction import Redactor, Span, find_spans, redactor_for

NAMES = ("Tobias Quandt", "Maja", "Will Young", "José", "May", "O'Hara", "Jo", "田中", "Ольга")

# Kind: (what stands in a text, what of it must be gone).
SECRETS: dict[str, list[tuple[str, str]]] = {
    "e-mail": [
        ("write to tobias.quandt@mailhaus.de, please", "tobias.quandt@mailhaus.de"),
        ("'t_q+news@sub.mail.co.uk'", "t_q+news@sub.mail.co.uk"),
        ("https://x.org/?email=tq%40mail.org&a=1", "tq%40mail.org"),
        ("müller@größe.de.", "müller@größe.de"),
        ("...tq@mail.org...", "tq@mail.org"),
        ("find me as @tq@mastodon.social", "tq@mastodon.social"),
    ],
    "phone": [
        ("ring +49 170 1234567 tonight", "170 1234567"),
        ("+49 (0)30/901820-17", "901820"),
        ("0049 170 1234567", "170 1234567"),
        ("Tel.0170/1234567", "0170/1234567"),
        ("(415) 867-5309", "867-5309"),
        ("415.867.5309 or 1-415-867-5310", "5309 or 1-415-867-5310"),
        ("+14155550132", "4155550132"),
        ("020 7946 0958", "7946 0958"),
        ("06 12 34 56 78", "12 34 56 78"),
        ("call me at 1234 5678", "1234 5678"),
        ("https://wa.me/491701234567", "1701234567"),
        ("on 3 0170 1234567 0171 7654321", "7654321"),
        ("+86 138 0013 8000", "0013 8000"),
        ("+91 98765 43210", "98765"),
        ("ask @4917012345678 and her", "17012345678"),
        ("and @447911123456, too", "7911123456"),
        ("+34 612 345 678 or 655 443 322", "443 322"),
        ("602345678, else +48 601 234 567", "602345678"),
        ("+45 20 12 34 56 or 20 99 88 77", "99 88 77"),
        ("8 912 345-67-80 is +7 912 345-67-89", "912 345-67-80"),
    ],
    "card": [
        ("4111 1111 1111 1111 12/26 123", "1111"),
        ("my visa 4012888888881881!", "4012888888881881"),
        ("3782-822463-10005", "822463"),
        ("5500.0000.0000.0004", "5500"),
    ],
    "iban": [
        ("DE89 3704 0044 0532 0130 00 please", "3704"),
        ("GB82WEST12345698765432", "WEST12345698765432"),
        ("gb82 west 1234 5698 7654 32.", "west"),
        ("NO93 8601 1117 947", "8601"),
    ],
    "ip": [
        ("at 84.23.177.4:8080", "84.23.177.4"),
        ("192.168.10.24/24", "192.168.10.24"),
        ("2a00:1450:4001:81b::200e", "2a00"),
        ("[fe80::1ff:fe23:4567:890a]", "890a"),
    ],
    "secret": [
        ("https://tq:hunter2@host.org/path?x=1", "hunter2"),
        ("postgres://u:p@ss@db.host:5432/x", "p@ss"),
        ("https://x.org/a?token=abc123def&b=2#sig=feed99", "feed99"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef0123&x=1", "abcdef0123"),
        ("https://zoom.us/j/123?pwd=QWErty", "QWErty"),
        ("sk-proj-abcdefghij1234567890", "abcdefghij1234567890"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnop"),
        ("xoxb-123456789012-abcdefGHIJ", "123456789012"),
        ("AKIAIOSFODNN7ABCDEFG", "IOSFODNN7ABCDEFG"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "SyA1234567890"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123", "eyJzdWIi"),
        ("123456789:AAE-abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnop"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabcd/+==\n-----END RSA PRIVATE KEY-----", "MII"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAA", "b3BlbnN"),
        ("password: hunter2", "hunter2"),
        ("my wifi password: correct horse battery", "horse"),
        ("Passwort: geheim", "geheim"),
        ("the password is Tr0ub4dor, ok?", "Tr0ub4dor"),
        ("mot de passe : azerty12", "azerty12"),
        ("пароль: йцукен", "йцукен"),
        ("PIN: 4821", "4821"),
        ("my token is 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, yes", "kQxVtRmWbNzLp"),
        ("npm_kQxVtRmWbNzLpYsDfGhJcXvBnMqWeRtYuio", "kQxVtRmWbNzLp"),
        ("glpat-kQxVtRmWbNzLpYsDfGhJ", "kQxVtRmWbNzLp"),
        ("code 384756 is your login code", "384756"),
        ("G-384756 is your Google verification code", "384756"),
        ("your code for Uber is 3847. Never share it", "3847"),
        ("use code 384-756 to log in", "384-756"),
        ("Dein Bestätigungscode lautet 384756", "384756"),
        ("Votre code de vérification est 384756", "384756"),
        ("Tu código de verificación es 384756", "384756"),
        ("Il tuo codice è 384756", "384756"),
        ("Twój kod to 384756", "384756"),
        ("Ваш код: 384756", "384756"),
        ("您的验证码是 384756", "384756"),
        ("인증번호 [384756]", "384756"),
        ("Your verification code is: 384756", "384756"),
        ("the code is 384756, use it to sign in", "384756"),
        ("Ihr Einmalpasswort: 384756", "384756"),
        ("use 384756 as your login code", "384756"),
        ("Doğrulama kodunuz: 384756", "384756"),
        ("sk-ant-abcdefghijklmnopqrstuvwxyz", "abcdefghijkl"),
        ("token: abcdefghijklmnopqrstuvwxyzabcd", "abcdefghijkl"),
        ("wifi: sunflower22", "sunflower22"),
        ("the wifi password sunflower22 works", "sunflower22"),
        ("Wlan: FritzBox 12345678901234567890", "12345678901234567890"),
        ("WLAN: Gartenzaun!77", "Gartenzaun!77"),
        ("Wi-Fi: Casa Azul blue-whale-9", "blue-whale-9"),
        ("WIFI:T:WPA;S:home;P:blue whale;;", "blue whale"),
        ("come to discord.gg/hTKzmak", "hTKzmak"),
        ("https://chat.whatsapp.com/KxQvTmRbWnZLpYsDfGhJcX", "KxQvTmRbWnZLp"),
        ("https://t.me/+AbCdEfGhIjKlMnOp", "AbCdEfGh"),
        ("https://join.slack.com/t/acme/shared_invite/zt-abcDEFghi~jklMNO", "abcDEFghi"),
        ("https://signal.group/#CjQKIAbcdefGHIJklmnop", "CjQKIA"),
        ("the door code is 481516", "481516"),
        ("DB_PASSWORD=s3cr3t!x", "s3cr3t!x"),
        ('{"api_key": "abcd1234efgh"}', "abcd1234efgh"),
        ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789"),
        ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXX", "XXXXXXXX"),
    ],
    "name": [
        ("Tobias Quandt's bike", "Tobias"),
        ("so tobias said", "tobias"),
        ("QUANDT!", "QUANDT"),
        ("tobias_quandt wrote", "tobias_quandt"),
        ("Majas Rad, and Maja\u2019s", "Maja"),
        ("I met Will in town", "Will"),
        ("Jose und josé", "Jose"),
        ("May came", "May"),
        ("o\u2019hara", "hara"),
        ("Jo is here", "Jo "),
        ("田中さんと", "田中"),
        ("это ольга", "ольга"),
    ],
}
CASES = [(kind, text, gone) for kind, cases in SECRETS.items() for text, gone in cases]

CLEAN = (
    "in 2019 and 2020", "it was $1,299.00", "1.000.000 €", "10 000 000 people", "12:30:45",
    "2024-01-15 18:30", "01.02.2024 14:00-15:30", "3:2 at half time", "ISBN 978-3-16-148410-0",
    "0-306-40615-2", "version 1.2.3.4", "v10.2.33.4", "1234 5678", "1990-2000", "0.123456789",
    "52.520008, 13.404954", "std::vector<int>", "a::b", "git@github.com:ann/x.git", ":) =D :-P",
    "2024-01-15T18:30:00Z", "order 1234567", "1700000000", "first pass: looks good",
    "key: value", "token of love", "http://localhost:3000 and 127.0.0.1:8000", "call at 10:30",
    "5 x 1000 = 5000", "https://x.org/watch?v=dQw4w9WgXcQ&t=10", "Matthew 5:3-12",
    "https://x.org/a/status/1700000000000000000", "call me in 2024 or 2025", "50/50 or 9 to 5",
    "will you come in may?", "Will you?", "bobbing along",
    "8.8.8.8", "1-2-3-4-5-6-7", "<@612345678901234567>", "reset my password: https://x.org/reset",
    "phone 12", "my code is broken", "error code 404", "code = launch(asked)",
    "pass is closed", "mayor", "1/2/24",
    "zip code 90210 is your home", "your postal code is 94110", "I wrote your code in 2024",
    "your code has 12000 lines", "use promo code 123456 for your order", "my code of 2019",
    "your error code is 5001", "wifi: yes please", "WiFi: free in the lobby", "wifi: 802.11ac",
    "wifi: 2.4GHz and 5GHz", "wlan is down-again", "@everyone come", "see @1234567", "@20240115",
    "@user_4917012345678", "https://discord.com/channels/1/2", "discord.gg/gardening",
    "https://t.me/durov", "snake_case_function_name_long", "hf_hub_download_with_retries",
    "npm_config_registry", "wifi: check the router please", "wifi is down since 10:30",
    "wifi = life", "token: internationalization", "It took 384756 steps in my code",
    "line 384756 of your code", "your QR code 12345 does not scan", "your colour code: 123456",
    "I scored 3847 on your test", "WiFi 6 is faster than WiFi 5", "secret: well-documented-thing",
    "https://t.me/somechannel/123", "either/or-and-everything-else", "@2024 we meet",
    "npm_config_registry_of_mine", "well-known-and-long-words", "655 443 322", "602345678",
    "612345678 and 1.000.000.000 euros",
)  # fmt: skip


def kinds(text: str) -> set[str]:
    return {span.kind for span in find_spans(text, NAMES)}


@pytest.mark.parametrize(("kind", "text", "gone"), CASES)
def test_what_is_private_is_found_and_replaced(kind: str, text: str, gone: str) -> None:
    redacted = Redactor(NAMES).redact(text)
    assert kind in kinds(text)
    assert gone not in redacted
    assert find_spans(redacted, NAMES) == []
    assert Redactor(NAMES).redact(redacted) == redacted


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_private_stays(text: str) -> None:
    assert find_spans(text, ("Tobias Quandt", "Will Young", "Bob")) == []


def outside(text: str, spans: list[Span]) -> list[str]:
    """Return the stretches between the spans."""
    stops = [0, *(span.stop for span in spans)]
    starts = [*(span.start for span in spans), len(text)]
    return [text[a:b] for a, b in zip(stops, starts, strict=True)]


FRAGMENTS = st.one_of(
    st.sampled_from([text for _, text, _ in CASES] + list(CLEAN)),
    st.text(st.sampled_from("ab Z9.@:/-+_'\n,()=&?#0123\u00e9\u7530"), max_size=24),
    st.text(st.characters(exclude_characters="\x00"), max_size=8),
)


@settings(max_examples=400)
@example(["4111 1111 1111 1111", "12/26 123"], " ")
@example(["+49 170 1234567", "12", "0170 1234567"], " ")
@given(st.lists(FRAGMENTS, max_size=6), st.sampled_from([" ", "\n", ", ", "; "]))
def test_nothing_but_the_spans_changes_and_again_nothing(parts: list[str], between: str) -> None:
    text = between.join(parts)
    spans = find_spans(text, NAMES)
    assert spans == sorted(spans)
    assert all(0 <= a.start < a.stop <= len(text) for a in spans)
    assert all(a.stop <= b.start for a, b in pairwise(spans))
    redacted = Redactor(NAMES).redact(text)
    if not spans:
        assert redacted == text
    assert find_spans(redacted, NAMES) == []
    assert Redactor(NAMES).redact(redacted) == redacted


@settings(max_examples=200)
@example(["WIFI:T:WPA;S:home;P:blue whale;;", "'t_q+news@sub.mail.co.uk'"])
@given(st.lists(st.sampled_from([text for _, text, _ in CASES]), min_size=1, max_size=5))
def test_all_between_the_spans_stays_as_it_was(parts: list[str]) -> None:
    text = "; so, ".join(parts)
    at = 0
    redacted = Redactor(NAMES).redact(text)
    for kept in outside(text, find_spans(text, NAMES)):
        at = redacted.index(kept, at) + len(kept)


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(["Tobias", "Tobiassen", "Maja", "Majastic", "mayor", "bejo", "so", "Jo"]),
        min_size=1,
    )
)
def test_no_word_is_cut(words: list[str]) -> None:
    redacted = Redactor(NAMES).redact(" ".join(words)).split(" ")
    assert len(redacted) == len(words)
    for word, said in zip(words, redacted, strict=True):
        is_listed = word in ("Tobias", "Maja", "Jo")
        assert (said != word) == is_listed
        assert not is_listed or said in GIVEN


def test_two_values_have_two_placeholders_and_one_has_one() -> None:
    mails = [f"person{n}@mail.org" for n in range(120)]
    phones = [f"+49 170 12345{n:02d}" for n in range(90)]
    for values in (mails, phones, [f"84.23.{n}.17" for n in range(10, 200)]):
        said = Redactor().redact("\n".join(values)).split("\n")
        assert len(set(said)) == len(values)
        assert not set(said) & set(values)
    twice = Redactor().redact("Ann.K@Mail.org, ann.k@mail.org; 0170 1234567 is +49 170 1234567")
    first, second, mine, world = re.findall(r"\S+@\S+\b|\+?[\d][\d ]{6,}\d", twice)
    assert first == second
    assert mine[-7:] == world[-7:]


def test_a_placeholder_of_another_text_is_no_reason_to_take_it_again() -> None:
    redactor = Redactor()
    first = redactor.redact("ann@mail.org")
    both = redactor.redact(f"{first} and ann@mail.org")
    assert both.startswith(f"{first} and ")
    assert not both.endswith(first)


def test_a_conversation_is_redacted_together_and_only_its_contents() -> None:
    messages = [
        {"role": "user", "content": "it's ann@mail.org", "train": False},
        {"role": "assistant", "content": "ann@mail.org? and bob@mail.org", "name": "ann@mail.org"},
        {"role": "assistant", "content": None},
    ]
    redactor = Redactor()
    first, second, third = redactor.redact_messages(messages)
    ann = first["content"].removeprefix("it's ")
    assert second["content"].startswith(f"{ann}? and ")
    assert not second["content"].endswith(ann)
    assert (first["train"], second["name"], third["content"]) == (False, "ann@mail.org", None)
    assert messages[0]["content"] == "it's ann@mail.org"
    assert redactor.counts == {"e-mail": 3}


def test_a_country_of_one_message_is_that_of_the_others() -> None:
    messages = [{"role": "user", "content": "655 443 322"}, {"role": "assistant", "content": "hm"}]
    assert Redactor().redact_messages(messages) == messages
    known = [*messages, {"role": "user", "content": "it was +34 612 345 678"}]
    assert "655" not in Redactor().redact_messages(known)[0]["content"]
    assert "655" not in Redactor().redact("655 443 322", context=["ask +34 612 345 678"])


def test_placeholders_keep_the_shape_and_the_urls_place() -> None:
    redact = Redactor().redact
    assert re.fullmatch(r"\(555\) 555-01\d\d", redact("(415) 867-5309"))
    assert re.fullmatch(r"\+49 555 55501\d\d", redact("+49 170 1234567"))
    assert re.fullmatch(r"[a-z]+@example\.com", redact("ann@mail.org"))
    assert re.fullmatch(r"192\.0\.2\.\d+", redact("84.23.177.4"))
    assert redact("2a00:1450:4001:81b::200e").startswith("2001:db8::")
    assert re.fullmatch(r"DE00( 0{4}){3} 0\d{3} \d\d", redact("DE89 3704 0044 0532 0130 00")[:27])
    url = redact("see https://ann:pw1@host.org/a/b?token=abcdef12&page=2.")
    assert re.fullmatch(r"see https://EXAMPLE\d{3}@host\.org/a/b\?token=EXAMPLE\d{3}&page=2\.", url)


def test_a_name_has_its_stand_in_everywhere_and_nobody_elses() -> None:
    redactor = Redactor(["Tobias Quandt", "Maja", "Quandt Senior", *GIVEN[:20]])
    said = redactor.redact("Tobias Quandt met Maja. tobias! QUANDT'S Majas")
    given_name, surname = said.split()[:2]
    assert given_name in GIVEN[20:]
    assert surname in SURNAMES
    maja = said.split()[3][:-1]
    assert said.split()[4:] == [f"{given_name.lower()}!", f"{surname.upper()}'S", f"{maja}s"]
    assert Redactor(["Tobias Quandt"]).redact("Tobias") == Redactor(["Tobias"]).redact("Tobias")
    owner = Owner(name=given_name, names=["Tobias Quandt", "Maja", "Quandt Senior", *GIVEN[:20]])
    assert given_name not in redactor_for(owner).redact("Tobias")


def test_more_names_than_stand_ins_still_have_one_each() -> None:
    names = [*GIVEN, *(f"Ab{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200))]
    said = Redactor(names).redact(" ".join(names)).split()
    assert len(set(said)) == len(names)
    assert not set(said) & set(names)
    mails = Redactor(names).redact("ann@mail.org, bob@mail.org").split(", ")
    assert len(set(mails)) == 2
    assert Redactor(names).redact(", ".join(mails)) == ", ".join(mails)


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        (["Will Young"], "Will you come? will it rain?", 0),
        (["Will Young"], "and then Will came. Will, are you there? Will Young", 3),
        (["Will"], "Will you come? Will it rain? How Will You Live", 0),
        (["Will"], "Tell Will. Will, come! Will's bike. Will said so. Will", 5),
        (["Grace"], "Grace period is over, the Grace period. Grace is a virtue", 0),
        (["Grace"], "to Grace\nLove,\nGrace\nand Grace Kelly", 3),
        (["May"], "in May we go, on 5 May, May 5th, May I? Im May. En May", 0),
        (["May"], "I met May; May came", 2),
        (["Mark"], "Mark my words. Mark the date", 0),
        (["Mark"], "Mark hat gesagt, wir sehen Mark", 2),
        (["Will"], "Will Monday work? Will be there. Will anybody come?", 0),
        (["Art", "Faith", "Hope"], "Art and science. Hope so. Faith and love. No Hope", 0),
        (["Faith", "Hope"], "Faith and Hope came. Hope and her brother", 3),
        (["Summer"], "Last Summer was hot, in Summer", 0),
        (["Rose"], "Rose wine is no wine: a Rose garden. Eine Rose", 0),
        (["Rose"], "Ich war mit Rose da, et Rose dit non", 2),
        (["Vincent van Gogh"], "a van and a Van", 0),
        (["Ann K."], "ok K is a letter", 0),
        (["Rose"], "a rose is a rose", 0),
        (["Al Pacino"], "al dente with Pacino", 1),
    ],
)
def test_names_that_are_words_too_are_found_with_care(
    names: list[str], text: str, expected: int
) -> None:
    assert len(find_spans(text, names)) == expected


def test_a_message_without_anything_private_costs_next_to_nothing() -> None:
    text = "well I was going to say we could meet at the park on Sunday"
    assert len(text) == 59
    plain, listing = Redactor(), Redactor([f"Nam{chr(97 + n % 26)}{n}" for n in range(200)])
    # Measured against finding the text's words, so that a slow or busy machine changes nothing.
    least = _seconds(re.compile(r"\w+").findall, text)
    for redactor in (plain, listing):
        assert _seconds(redactor.redact, text) < 4 * least


def _seconds(work: Callable[[str], object], text: str) -> float:
    """Return the processor's time for a text, the best of several tries."""
    return min(timeit.repeat(lambda: work(text), timer=time.process_time, repeat=20, number=500))


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "1 " * 20_000, "0170 1234567 " * 3_000, "a.b-" * 50_000, "::" * 50_000,
     "https://" * 20_000, "?a-" * 50_000, "password: " * 5_000,
     "-----BEGIN PRIVATE KEY-----" * 2_000, "DE89 " * 5_000, "Tobias " * 20_000,
     "x@" * 50_000, "=" * 100_000, "\n" * 50_000 + "@:1"],
)  # fmt: skip
def test_no_text_takes_forever(text: str) -> None:
    start = time.process_time()
    find_spans(text, NAMES)
    assert time.process_time() - start < 8


def test_lone_surrogates_and_nuls_are_no_trouble() -> None:
    text = "Maja \ud83d ann@mail.org \x00 0170 1234567"
    redacted = Redactor(["Maja"]).redact(text)
    assert "Maja" not in redacted
    assert "ann@" not in redacted
    assert "\ud83d" in redacted


def test_redaction_loads_its_libraries_where_it_needs_them() -> None:
    code = (
        "import sys, align.privacy.redaction as r; r.Redactor(['Bob']).redact('Bob, at 8:30')\n"
        "print(*(m for m in ('phonenumbers', 'stdnum', 'torch', 'spacy') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
