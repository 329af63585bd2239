"""Copilot Studio and Bot Framework: what is special about them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.errors import MalformedWebhook, Refused, SignatureRejected, Throttled, Unauthorized, Unavailable, Unsure
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.recorded import read_recorded
from connectors.registry import make_vendor_client
from connectors.vendors.microsoft import ADAPTER
from connectors.vendors.microsoft.inbound import Microsoft
from connectors.vendors.microsoft.keys import KeySets, Signer, fetch_signers
from packets.event import Channel, EventKind, Role, Visibility

FIXTURES = Path(__file__).parent / "fixtures"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
APP, OLD_APP, CALLER, TENANT = (f"{digit}0000000-0000-4000-8000-000000000000" for digit in "1234")
SERVICE = "https://smba.trafficmanager.net/emea/"
ISSUER = "https://api.botframework.com"
ENTRA = f"https://login.microsoftonline.com/{TENANT}/v2.0"
OUR_KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
ACTIVITY = {
    "type": "message",
    "id": "1",
    "channelId": "msteams",
    "serviceUrl": SERVICE,
    "conversation": {"id": "a:1|x"},
    "from": {"id": "29:u"},
    "recipient": {"id": "28:b"},
    "text": "hello",
}


def a_webhook(*activities, **changes):
    body = {"activities": list(activities)} if activities else ACTIVITY | changes
    return Webhook({}, json.dumps(body).encode(), NOW)


def an_account(base_url=None, **options):
    credentials = {"app_id": APP, "app_password": "password-7"}
    secrets = (APP, OLD_APP) if options.get("signature") == "jwt" else (SECRET,)
    return VendorAccount("copilot", "microsoft", secrets, options, base_url, credentials)


def parsed(*activities, account=None, **changes):
    return ADAPTER.parse(a_webhook(*activities, **changes), account or an_account())


def a_key_set(kid="k1", endorsements=("msteams",)):
    return {kid: Signer(OUR_KEY.public_key(), frozenset(endorsements))}


def a_token(key=OUR_KEY, kid="k1", algorithm="RS256", **changes):
    now = NOW.timestamp()
    claims = {"iss": ISSUER, "aud": APP, "exp": now + 600, "nbf": now - 60, "serviceurl": SERVICE} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm=algorithm, headers={"kid": kid})


def verified(token, account=None, fetch=None, **changes):
    adapter = Microsoft(KeySets(fetch or (lambda url: a_key_set())))
    webhook = a_webhook(**changes)
    headers = {"authorization": token if " " in token else f"Bearer {token}"}
    return adapter.verify(Webhook(headers, webhook.body, NOW), account or an_account(signature="jwt"))


@pytest.mark.parametrize(("aud", "number"), [(APP, 0), (OLD_APP, 1), ([OLD_APP, "x"], 1)])
def test_a_token_for_one_of_our_app_ids_is_good(aud, number):
    found = verified(a_token(aud=aud))

    assert found.key_number == number
    assert found.dedupe_key == verified(a_token(aud=APP, exp=NOW.timestamp() + 60)).dedupe_key


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
def test_the_longer_digests_are_good(algorithm):
    assert verified(a_token(algorithm=algorithm)).key_number == 0


@pytest.mark.parametrize(
    "token",
    [
        a_token(OTHER_KEY),
        a_token(kid="k2"),
        a_token(aud="somebody else"),
        a_token(aud=None),
        a_token(iss="https://evil.example"),
        a_token(iss=ENTRA),
        a_token(iss=None),
        a_token(iss=["https://api.botframework.com"]),
        a_token(exp=NOW.timestamp() - 301),
        a_token(exp=None),
        a_token(exp="soon"),
        a_token(nbf=NOW.timestamp() + 301),
        a_token(serviceurl="https://evil.example/"),
        a_token(serviceurl=None),
        a_token("a shared secret of thirty-two bytes", algorithm="HS256"),
        jwt.encode({"iss": ISSUER, "aud": APP}, None, algorithm="none", headers={"kid": "k1"}),
        "",
        "Bearer ",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer ä.\udcff.ö",
        "Basic " + a_token(),
        "Bearer " + "A" * 20_000 + ".b.c",
    ],
    ids=range(23),
)
def test_any_other_token_is_rejected_and_nothing_else_is_raised(token):
    with pytest.raises(SignatureRejected):
        verified(token)


def test_five_minutes_of_clock_skew_are_forgiven():
    at = NOW.timestamp()

    assert verified(a_token(exp=at - 299)).key_number == 0
    assert verified(a_token(nbf=at + 299)).key_number == 0


@pytest.mark.parametrize("changes", [{"channelId": "directline"}, {"channelId": None}, {"serviceUrl": "https://x/"}])
def test_a_token_speaks_only_for_its_channel_and_its_service(changes):
    with pytest.raises(SignatureRejected):
        verified(a_token(), **changes)


def test_a_copilot_of_the_tenant_is_taken_only_if_it_is_named():
    account = an_account(signature="jwt", tenant=TENANT, callers=CALLER)
    token = {"iss": ENTRA, "serviceurl": None}

    assert verified(a_token(azp=CALLER, **token), account).key_number == 0
    assert verified(a_token(iss=f"https://sts.windows.net/{TENANT}/", appid=CALLER, serviceurl=None), account)
    for others in ({"azp": APP}, {}, {"azp": [CALLER]}):
        with pytest.raises(SignatureRejected):
            verified(a_token(**token, **others), account)


def test_a_good_token_with_a_damaged_body_is_malformed():
    adapter = Microsoft(KeySets(lambda url: a_key_set()))

    with pytest.raises(MalformedWebhook):
        adapter.verify(Webhook({"authorization": f"Bearer {a_token()}"}, b"{", NOW), an_account(signature="jwt"))


class Keys:
    """What Microsoft publishes, as a double that counts how often it is asked."""

    def __init__(self):
        self.found, self.asked, self.now = a_key_set(), 0, 0.0
        self.sets = KeySets(self.fetch, clock=lambda: self.now)

    def fetch(self, url):
        self.asked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def signer(self, kid="k1"):
        return self.sets.signer("https://keys.example/doc", kid)


def test_keys_are_fetched_once_a_day():
    keys = Keys()

    for hours in (0, 1, 23, 24, 25):
        keys.now = hours * 3600
        assert keys.signer() is not None

    assert keys.asked == 2


def test_an_unknown_key_is_looked_for_again_but_not_more_than_hourly():
    keys = Keys()
    assert keys.signer("new") is None
    keys.found = a_key_set("new")

    keys.now = 3599
    assert keys.signer("new") is None
    keys.now = 3600
    assert keys.signer("new") is not None

    assert keys.asked == 2


def test_old_keys_count_while_new_ones_cannot_be_fetched_and_we_do_not_insist():
    keys = Keys()
    keys.signer()
    keys.found, keys.now = Unavailable("Microsoft's keys"), 100_000

    assert keys.signer() is not None
    assert keys.signer() is not None
    assert keys.asked == 2


def test_who_waits_for_first_keys_that_do_not_come_does_not_queue_up():
    keys = Keys()
    keys.found = Unavailable("Microsoft's keys")

    for seconds in (0, 1, 4):
        keys.now = seconds
        with pytest.raises(Unavailable):
            keys.signer()
    keys.found, keys.now = a_key_set(), 5

    assert keys.signer() is not None
    assert keys.asked == 2


def test_without_any_key_it_is_our_trouble_and_no_bad_signature():
    with pytest.raises(Unavailable):
        verified(a_token(), fetch=lambda url: (_ for _ in ()).throw(Unavailable("Microsoft's keys")))


def test_keys_are_read_from_where_the_document_says(local_vendor):
    row = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OUR_KEY.public_key()))
    good = row | {"kid": "k1", "endorsements": ["msteams", "webchat"]}
    local_vendor.answers |= {
        "/v1/doc": {"jwks_uri": local_vendor.url + "/v1/keys?p=1"},
        "/v1/keys": {"keys": [{"kid": "bad", "kty": "RSA", "n": "?"}, {"kty": "EC", "kid": "ec"}, good, 7]},
    }

    found = fetch_signers(local_vendor.url + "/v1/doc")

    assert found.keys() == {"k1"}
    assert found["k1"].endorsements == {"msteams", "webchat"}
    assert [call.path for call in local_vendor.calls] == ["/v1/doc", "/v1/keys?p=1"]
    assert verified(a_token(), fetch=lambda url: found).key_number == 0


@pytest.mark.parametrize("uri", ["https://evil.example/keys", "", 7])
def test_keys_at_another_host_are_not_fetched(local_vendor, uri):
    local_vendor.answer = {"jwks_uri": uri}

    with pytest.raises(Unavailable, match="own host"):
        fetch_signers(local_vendor.url + "/v1/doc")


def test_only_microsoft_can_make_a_token():
    with pytest.raises(ValueError, match="only Microsoft"):
        ADAPTER.sign(a_webhook(), an_account(signature="jwt"))


@pytest.mark.parametrize(
    ("secrets", "options"),
    [
        (("not base64!",), {}),
        ((SECRET,), {"signature": "basic"}),
        ((SECRET,), {"signature": "jwt"}),
        ((APP,), {"signature": "jwt", "tenant": TENANT}),
        ((APP,), {"signature": "jwt", "callers": CALLER}),
    ],
)
def test_a_configuration_that_cannot_work_is_told_at_the_start(secrets, options):
    with pytest.raises(ValueError, match=r"base64|option|app ids"):
        ADAPTER.check(VendorAccount("copilot", "microsoft", secrets, options))


def the_recorded_handoff():
    (call,) = read_recorded((FIXTURES / "handoff_direct_line.http").read_bytes())
    return json.loads(call.body)["activities"][0]


@pytest.mark.parametrize("name", ["Transcript", "transcript", "Trasnscript", None])
def test_the_transcript_is_known_by_what_is_in_it(name):
    activity = the_recorded_handoff()
    activity["attachments"][0]["name"] = name

    (event,) = parsed(activity)

    assert (event.kind, event.transcript) == (EventKind.HANDOFF_REQUESTED, "full")
    assert [turn.role for turn in event.turns] == [Role.CUSTOMER, Role.BOT]
    assert (event.turns[0].nlu.intent.name, event.turns[1].nlu) == ("Store hours", None)


def test_a_message_has_one_id_by_itself_and_in_the_transcript():
    activity = the_recorded_handoff()
    message = activity["attachments"][0]["content"]["activities"][0]

    alone, handoff = parsed(message, activity)

    assert alone.turns[0].message_id == handoff.turns[0].message_id


def test_a_relay_that_polls_twice_brings_the_same_events():
    first = parsed(ACTIVITY, ACTIVITY | {"id": "2"})
    second = parsed(ACTIVITY | {"id": "2"}, ACTIVITY | {"id": "3"})

    assert first[1].event_id == second[0].event_id
    assert len({event.event_id for event in (*first, *second)}) == 3


@pytest.mark.parametrize(
    ("changes", "role"),
    [
        ({"from": {"id": "29:u", "role": "user"}}, Role.CUSTOMER),
        ({"from": {"id": "28:b", "role": "bot"}}, Role.BOT),
        ({"recipient": {"id": "x", "role": "bot"}}, Role.CUSTOMER),
        ({"recipient": {"id": "x", "role": "user"}}, Role.BOT),
        ({"from": {"id": "28:bot"}}, Role.BOT),
        ({"recipient": {"id": "28:bot"}}, Role.CUSTOMER),
        ({}, Role.SYSTEM),
    ],
)
def test_who_speaks_is_worked_out_where_no_role_is_told(changes, role):
    (event,) = parsed(account=an_account(bot_ids="28:bot, 28:other"), **changes)

    (turn,) = event.turns
    assert turn.role is role
    assert (turn.visibility is Visibility.INTERNAL) == ("role_ambiguous" in event.warnings) == (role is Role.SYSTEM)


def test_what_microsoft_itself_posts_to_a_bots_address_was_said_by_the_customer():
    (event,) = parsed(account=an_account(signature="jwt"))

    assert (event.turns[0].role, event.reply_expected) == (Role.CUSTOMER, False)
    assert (event.conversation.channel, event.refs["service_url"]) == (Channel.TEAMS, SERVICE)


def test_the_authors_variables_are_facts_and_copilots_own_are_not():
    value = {"va_Topics": ["Billing", "Refund"], "va_AgentMessage": "be kind", "Order": 4711, "token": "t-1"}

    (event,) = parsed(type="event", name="handoff.initiate", value=value)

    assert event.context.variables == {"Order": 4711}
    assert (event.handoff.reason_text, event.handoff.vendor_metadata["topics"]) == ("be kind", "Billing, Refund")


def test_the_customers_sign_in_tokens_are_not_stored():
    webhook = a_webhook(type="event", name="tokens/response", value={"token": "eyJsecret", "connectionName": "aad"})

    assert b"eyJsecret" not in ADAPTER.stored(webhook)
    assert b"aad" in ADAPTER.stored(webhook)
    assert ADAPTER.parse(webhook, an_account()) == ()


def test_an_edited_message_is_an_event_of_its_own_about_the_same_turn():
    (said,) = parsed(text="hullo")
    (edited,) = parsed(type="messageUpdate", text="hello", timestamp="2026-11-21T09:00:00.0000000Z")

    assert edited.kind is EventKind.MESSAGE_UPDATED
    assert edited.event_id != said.event_id
    assert edited.turns[0].message_id == said.turns[0].message_id


def test_a_relay_reads_the_decision_and_microsoft_an_acknowledgement():
    told = {"decision": {"action": "escalate", "customer_message": "A colleague takes over."}}

    assert json.loads(ADAPTER.answer(a_webhook(), an_account(), told).body) == told
    assert ADAPTER.answer(a_webhook(), an_account(signature="jwt"), told).body == b"{}"


TOKEN = {f"/{'botframework.com'}/oauth2/v2.0/token": {"access_token": "t-1", "expires_in": 3600}}
PATH = "/emea/v3/conversations/a%3A1%7Cx/activities"


def a_client(double, **options):
    double.answers |= TOKEN
    return make_vendor_client(an_account(double.url, login_url=double.url, **options))


def a_notice(double, kind, **refs):
    where = {"service_url": double.url + "/emea/", "bot": "28:b", "user": "29:u"} | refs
    return Notice("hof_1.1", kind, "a:1|x", "Please hold.", refs=where)


def posted(double):
    return [call.json for call in double.calls if "/oauth2/" not in call.path]


STATUS = {"type": "event", "name": "handoff.status"}
WHERE = {"conversation": {"id": "a:1|x"}, "from": {"id": "28:b"}, "recipient": {"id": "29:u"}}
END = {"type": "endOfConversation", "code": "completedSuccessfully"}


@pytest.mark.parametrize(
    ("form", "kind", "activities"),
    [
        ("standard", NoticeKind.HANDED_OFF, [{"type": "message", "text": "Please hold."}]),
        ("standard", NoticeKind.HUMAN_JOINED, [STATUS | {"value": {"state": "accepted"}}]),
        ("standard", NoticeKind.CONTROL_RETURNED, [STATUS | {"value": {"state": "completed"}}]),
        ("jwt", NoticeKind.CONTROL_RETURNED, [STATUS | {"value": {"state": "completed"}}, END]),
    ],
)
def test_the_conversation_is_told(local_vendor, form, kind, activities):
    a_client(local_vendor, signature=form).tell(a_notice(local_vendor, kind))

    assert posted(local_vendor) == [WHERE | activity for activity in activities]
    token, first = local_vendor.calls[:2]
    assert parse_qs(token.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": [APP],
        "client_secret": ["password-7"],
        "scope": ["https://api.botframework.com/.default"],
    }
    assert (first.method, first.path, first.headers["authorization"]) == ("POST", PATH, "Bearer t-1")


@pytest.mark.parametrize("url", ["https://evil.example/emea/", "", "http://[", "not an address"])
def test_our_token_goes_to_no_host_that_is_not_configured(local_vendor, url):
    client = a_client(local_vendor, service_hosts="smba.trafficmanager.net")

    with pytest.raises(Refused, match="no serviceUrl"):
        client.tell(a_notice(local_vendor, NoticeKind.HUMAN_JOINED, service_url=url))

    assert local_vendor.calls == []


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        (NoticeKind.HANDED_OFF, 404, Refused),
        (NoticeKind.HANDED_OFF, 403, Unauthorized),
        (NoticeKind.HANDED_OFF, 429, Throttled),
        (NoticeKind.HANDED_OFF, 500, Unsure),
    ],
)
def test_what_microsoft_answers_is_told_as_ours_without_words_and_secrets(local_vendor, kind, status, error):
    client = a_client(local_vendor)
    client.tell(a_notice(local_vendor, kind))
    local_vendor.status = status

    with pytest.raises(error) as failed:
        client.tell(a_notice(local_vendor, kind))

    assert not any(word in str(failed.value) for word in ("Please hold.", "password-7", "t-1"))


def test_credentials_that_are_missing_are_told_at_the_start():
    with pytest.raises(ValueError, match="app_id"):
        make_vendor_client(VendorAccount("copilot", "microsoft", (SECRET,), {}, "https://x.example", {}))


def test_a_stale_relay_is_rejected():
    signed = ADAPTER.sign(a_webhook(), an_account())

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook(signed.headers, signed.body, NOW + timedelta(minutes=6)), an_account())
