import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from align.ingest.contents import Document, Message
from align.ingest.reader import ReadLog
from align.ingest.readers.x import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    documents,
    read_with,
    survives_damage,
    write_folder,
    write_zip,
)

ANN, BOB = "5001", "5002"


def script(kind: str, rows: list[Any], part: int = 0) -> str:
    return f"window.YTD.{kind}.part{part} = {json.dumps(rows, indent=2)}"


def link(short: str, whole: str) -> dict[str, Any]:
    return {"url": short, "expanded_url": whole, "display_url": whole[8:], "indices": ["0", "23"]}


def post(key: int, text: str, **more: Any) -> dict[str, Any]:
    """Make a post of the present archive, its time by the id: the id counts seconds."""
    entities = {
        "hashtags": [],
        "symbols": [],
        "user_mentions": more.pop("mentions", []),
        "urls": more.pop("urls", []),
    }
    media = more.pop("media", [])
    if media:
        entities["media"] = media
        more["extended_entities"] = {"media": media}
    tweet = {
        "edit_info": {"initial": {"editTweetIds": [str(key)], "isEditEligible": False}},
        "retweeted": False,
        "source": '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
        "entities": entities,
        "display_text_range": ["0", str(len(text))],
        "favorite_count": "0",
        "id_str": str(key),
        "truncated": False,
        "retweet_count": "0",
        "id": str(key),
        "created_at": f"Thu May 02 16:{key // 60 % 60:02}:{key % 60:02} +0000 2024",
        "favorited": False,
        "full_text": text,
        "lang": "en",
        **more,
    }
    return {"tweet": tweet}


def answer(key: int, text: str, to: int, user: str = ANN, **more: Any) -> dict[str, Any]:
    return post(
        key,
        text,
        in_reply_to_status_id_str=str(to),
        in_reply_to_status_id=str(to),
        in_reply_to_user_id=user,
        in_reply_to_user_id_str=user,
        in_reply_to_screen_name="ann" if user == ANN else "bob",
        **more,
    )


def at(seconds: int) -> datetime:
    return datetime(2024, 5, 2, 16, seconds // 60 % 60, seconds % 60, tzinfo=UTC)


PHOTO = {**link("https://t.co/pic", "https://twitter.com/ann/status/6/photo/1"), "type": "photo"}
MENTION = {"name": "Bob Larch", "screen_name": "bob", "id_str": BOB, "id": BOB}
LONG = "The tide tables are wrong again, and I mean wrong by an hour & more.\n" * 6 + "\nEnd."
ACCOUNT = script(
    "account",
    [
        {
            "account": {
                "email": "ann@x.example",
                "username": "ann",
                "accountId": ANN,
                "accountDisplayName": "Ann K.",
            }
        }
    ],
)
TWEETS = [
    answer(12, "and third", 11),
    answer(11, "second", 10, urls=[link("https://t.co/a", "https://x.example/a")]),
    post(
        10, "first &lt;3 of three https://t.co/a", urls=[link("https://t.co/a", "https://x.ex/a")]
    ),
    post(20, "RT @bob: somebody else's words", mentions=[MENTION]),
    post(21, "https://t.co/b", urls=[link("https://t.co/b", "https://x.example/b")]),
    post(22, "https://t.co/pic", media=[PHOTO]),
    post(23, "the harbour today https://t.co/pic", media=[PHOTO]),
    post(
        24,
        "so true https://t.co/q",
        urls=[link("https://t.co/q", "https://twitter.com/bob/status/99?s=20")],
    ),
    answer(25, "@bob @cor no, never", 98, BOB, mentions=[MENTION], display_text_range=["10", "19"]),
    answer(26, "what I answered to is gone", 5),
    post(27, " ".join(LONG.split())[:270].replace("&", "&amp;") + "… https://t.co/l"),
    post(30, "the newest text", edit_info={"edit": {"initialTweetId": "29"}}),
    post(29, "the oldest text", edit_info={"initial": {"editTweetIds": ["29", "30"]}}),
]
DIRECT = script(
    "direct_messages",
    [
        {
            "dmConversation": {
                "conversationId": f"{ANN}-{BOB}",
                "messages": [
                    {
                        "messageCreate": {
                            "recipientId": BOB,
                            "reactions": [],
                            "urls": [
                                {
                                    "url": "https://t.co/m",
                                    "expanded": "https://twitter.com/messages/media/2",
                                    "display": "pic.twitter.com/m",
                                }
                            ],
                            "text": "https://t.co/m",
                            "mediaUrls": ["https://ton.twitter.com/dm/2/a.jpg"],
                            "senderId": ANN,
                            "id": "2",
                            "createdAt": "2024-05-02T16:00:02.500Z",
                        }
                    },
                    {
                        "messageCreate": {
                            "recipientId": ANN,
                            "urls": [{"url": "https://t.co/n", "expanded": "https://x.example/n"}],
                            "text": "look &amp; see https://t.co/n",
                            "mediaUrls": [],
                            "senderId": BOB,
                            "id": "1",
                            "createdAt": "2024-05-02T16:00:01.000Z",
                        }
                    },
                ],
            }
        }
    ],
)
ARCHIVE = {
    "Your archive.html": "<html></html>",
    "assets/js/main.js": "var x;",
    "data/README.txt": "About your archive",
    "data/account.js": ACCOUNT,
    "data/like.js": script("like", []),
    "data/tweets.js": script("tweets", TWEETS[:5]),
    "data/tweets-part1.js": script("tweets", TWEETS[5:], 1),
    "data/note-tweet.js": script(
        "note_tweet",
        [
            {
                "noteTweet": {
                    "noteTweetId": "28",
                    "createdAt": "2024-05-02T16:00:27.000Z",
                    "core": {"text": LONG, "urls": [], "mentions": []},
                }
            }
        ],
    ),
    "data/direct-messages.js": DIRECT,
    "data/tweets_media/22-a.jpg": "jpg",
}
BARE = "https://x.example/b"
PICTURE = Document("22", "", time=at(22), is_owner=True, reason="media-only")
POSTS = [
    Document("10", "first <3 of three https://x.ex/a\n\nsecond\n\nand third", time=at(10)),
    Document("20", "RT @bob: somebody else's words", time=at(20), reason="forwarded"),
    Document("21", BARE, time=at(21), reason="link-only"),
    PICTURE,
    Document("23", "the harbour today", time=at(23)),
    Document("24", "so true", time=at(24), raw="so true https://twitter.com/bob/status/99?s=20"),
    Document("25", "no, never", time=at(25), reason="context-bound", raw="@bob @cor no, never"),
    Document("26", "what I answered to is gone", time=at(26), reason="context-bound"),
    Document("27", LONG, time=at(27)),
    Document("29", "the newest text", time=at(30)),
]
for each in POSTS:
    each.is_owner = True
MESSAGES = [
    Message(
        chat=f"{ANN}-{BOB}",
        author="Bob Larch",
        text="look & see https://x.example/n",
        time=datetime(2024, 5, 2, 16, 0, 1, tzinfo=UTC),
        key="1",
        author_key=BOB,
        is_owner=False,
        source="messages",
    ),
    Message(
        chat=f"{ANN}-{BOB}",
        author="Ann K.",
        text="",
        time=datetime(2024, 5, 2, 16, 0, 2, 500000, UTC),
        key="2",
        author_key=ANN,
        is_owner=True,
        reason="media-only",
        source="messages",
    ),
]


def test_archive_gives_posts_and_direct_messages(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "twitter-2024-06-01", ARCHIVE)
    assert read_with(READER, write_zip(tmp_path / "x.zip", ARCHIVE)) == [*POSTS, *MESSAGES]
    assert read_with(READER, folder) == [*POSTS, *MESSAGES]
    (inputs,) = claimed(READER, tree_of(folder, ReadLog().problem))
    assert set(inputs.names) == set(ARCHIVE)


def test_data_folder_or_one_script_may_be_named_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {**ARCHIVE, "notes.md": "mine", "data/me.md": "mine"})
    assert read_with(READER, folder / "data") == [*POSTS, *MESSAGES]
    (inputs,) = claimed(READER, tree_of(tmp_path, ReadLog().problem))
    assert set(inputs.names) == set(ARCHIVE)
    found = documents(read_with(READER, folder / "data/tweets.js"))
    assert [each.key for each in found] == ["10", "20", "21"]


def test_archive_of_2019_wraps_nothing(tmp_path: Path) -> None:
    rows = [each["tweet"] for each in TWEETS[:3]]
    folder = write_folder(tmp_path, {"data/tweet.js": script("tweet", rows)})
    assert read_with(READER, folder) == POSTS[:1]


def test_oldest_archive_has_a_file_a_month(tmp_path: Path) -> None:
    rows = [
        {
            "source": "web",
            "entities": {"user_mentions": [], "media": [], "hashtags": [], "urls": []},
            "id_str": "140000000000000002",
            "text": "a kite &amp; a kestrel",
            "created_at": "2011-11-25 09:30:00 +0000",
            "user": {"name": "Ann", "screen_name": "ann", "id_str": ANN},
        },
        {
            "id_str": "1050118621198921728",
            "text": "RT @bob: kites",
            "retweeted_status": {"id_str": "1"},
            "entities": {},
        },
    ]
    files = {
        "data/js/tweets/2011_11.js": f"Grailbird.data.tweets_2011_11 = \n {json.dumps(rows)}",
        "data/js/user_details.js": "var user_details = {}",
        "tweets.csv": "tweet_id,text\n",
    }
    folder = write_folder(tmp_path, files)
    assert documents(read_with(READER, folder)) == [
        Document(
            "140000000000000002",
            "a kite & a kestrel",
            time=datetime(2011, 11, 25, 9, 30, tzinfo=UTC),
            is_owner=True,
        ),
        Document(
            "1050118621198921728",
            "RT @bob: kites",
            time=datetime(2018, 10, 10, 20, 19, 24, 211000, UTC),
            is_owner=True,
            reason="forwarded",
        ),
    ]
    assert len(claimed(READER, tree_of(folder, ReadLog().problem))[0].names) == 3


def test_long_post_without_its_beginning_stands_for_itself(tmp_path: Path) -> None:
    files = {name: ARCHIVE[name] for name in ("data/note-tweet.js", "data/account.js")}
    (found,) = documents(read_with(READER, write_folder(tmp_path, files)))
    assert (found.key, found.text, found.reason) == ("28", LONG, None)


def test_group_chat_has_its_name_and_messages_of_nobody_known(tmp_path: Path) -> None:
    rows = [
        {
            "dmConversation": {
                "conversationId": "77",
                "messages": [
                    {"messageCreate": {"id": "3", "senderId": "9", "text": "hi"}},
                    {"conversationNameUpdate": {"name": "Harbour", "initiatingUserId": ANN}},
                    {"joinConversation": {"initiatingUserId": ANN}},
                ],
            }
        }
    ]
    log = ReadLog()
    files = {"direct-messages-group.js": script("direct_messages_group", rows)}
    (found,) = read_with(READER, write_folder(tmp_path, files), log=log)
    assert isinstance(found, Message)
    assert (found.title, found.author, found.is_owner) == ("Harbour", "9", None)
    assert sum(log.passed_over.values()) == 2


def test_cut_script_keeps_what_stands_before_the_cut(tmp_path: Path) -> None:
    log = ReadLog()
    text = ARCHIVE["data/tweets.js"]
    cut = {**ARCHIVE, "data/tweets.js": text[: text.index("first &lt;3")]}
    found = read_with(READER, write_folder(tmp_path, cut), log=log)
    assert found[0] == Document("11", "second\n\nand third", time=at(11), is_owner=True,
                                reason="context-bound")  # fmt: skip
    assert found[1:] == [*POSTS[3:], *MESSAGES]
    assert len(log.problems) == 1 and "tweets.js" in str(log.problems[0])


def test_scripts_of_others_are_left_to_them(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"src/tweets.js": "export const a = [1]", "b.js": "window.x"})
    assert claimed(READER, tree_of(folder, ReadLog().problem)) == []


SMALL = {
    "account.js": ACCOUNT,
    "tweets.js": script("tweets", TWEETS[:3] + TWEETS[7:9]),
    "note-tweet.js": ARCHIVE["data/note-tweet.js"],
    "direct-messages.js": DIRECT,
}


# Every file of a case costs as much as reading it.
FEWER = {"tweets.js": script("tweets", TWEETS[1:3]), "direct-messages.js": DIRECT}


def test_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, FEWER, tmp_path, MANY)
