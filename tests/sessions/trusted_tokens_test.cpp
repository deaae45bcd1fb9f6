// Trusted-contact tokens of a real Session: what it was given is shown where it counts, and it gives its own once a
// week to whom it writes. Specification 02 section 13, 03 section 4.6.
#include "sessions/people/trusted_tokens.h"

#include "protocol/account/pictures.h"
#include "protocol/account/presence.h"
#include "protocol/account/trusted_tokens.h"
#include "tests/sessions/people_stanzas.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using test::ann;
using test::ann_number;
using test::ben;

namespace {

constexpr std::uint64_t week = protocol::token_bucket_seconds;

struct Tokens : test::PeopleFixture {
  Tokens() : PeopleFixture(false) {
    befriend(ben);
    call([this] { session->context().records.add(storage::RemoveTrustedToken{row.id, ben}); });
    go_online();
  }
  /// Later, in another process that knows the devices of today.
  void restart(std::uint64_t seconds_later = 0) {
    const std::int64_t then = now_ms + static_cast<std::int64_t>(seconds_later) * 1000;
    now_ms = then;
    test::list_devices(*this, ben, {0});
    test::list_devices(*this, test::own_lid, {3});
    reopen();
    now_ms = 1'700'000'000'000;  // as the server of the fixture says at each login: later is later than that
    go_online();
    now_ms = then;
  }
  std::uint64_t seconds() const { return static_cast<std::uint64_t>(now_ms / 1000); }
  std::vector<Node> given(const Jid& by, Bytes token, std::uint64_t at, std::optional<Jid> lid = std::nullopt) {
    return hear(
        protocol::notification_stanza({"n" + std::to_string(++number), seconds(), Jid("15550000001", "s.whatsapp.net")},
                                      protocol::TrustedTokenReceived{by, std::move(lid), at, std::move(token)}));
  }
  /// What a text to Ben carries; its ack is not heard yet.
  std::string sent_id;
  std::optional<Bytes> shown_in_text() {
    const auto answer = send(text("hello"));
    REQUIRE((answer && answer->has_value()));
    sent_id = (*answer)->id;
    const auto stanzas = test::messages(last);
    REQUIRE(stanzas.size() == 1);
    const auto token = stanzas[0].child_data("tctoken");
    return token ? std::optional(protocol::to_bytes(*token)) : std::nullopt;
  }
  /// To whom the stanzas give a token.
  static std::vector<protocol::TokenIssue> issued(const std::vector<Node>& stanzas) {
    std::vector<protocol::TokenIssue> out;
    for (const Node& stanza : stanzas)
      if (const auto issues = protocol::read_token_issues(stanza))
        out.insert(out.end(), issues->begin(), issues->end());
    return out;
  }
  static Node question(const std::vector<Node>& stanzas) {
    for (const Node& stanza : stanzas)
      if (protocol::read_token_issues(stanza)) return stanza;
    FAIL("no token was given");
    return Node();
  }
  std::optional<storage::TrustedTokenRow> stored(const Jid& user) {
    return storage::find_trusted_token(store->reader(), row.id, user);
  }
  int number = 0;
};

Node result_of(const Node& iq) {
  return Node("iq").set("id", iq.attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net"));
}

}  // namespace

TEST_CASE("what a contact gave is shown in texts to it, until four weeks are over") {
  Tokens f;
  CHECK_FALSE(f.shown_in_text());
  f.given(ben, {1, 2, 3}, f.seconds());
  CHECK(f.shown_in_text() == Bytes{1, 2, 3});
  f.restart();
  CHECK(f.shown_in_text() == Bytes{1, 2, 3});
  const auto stays = (week - f.seconds() % week) + 3 * week;  // to the end of its week and of the three behind it
  f.restart(stays - 1);
  CHECK(f.shown_in_text() == Bytes{1, 2, 3});
  f.restart(1);
  CHECK_FALSE(f.shown_in_text());
}

TEST_CASE("a token that is older than the one that is known changes nothing, and a newer one takes its place") {
  Tokens f;
  const std::uint64_t now = f.seconds();
  f.given(ben, {2}, now - 10);
  f.given(ben, {1}, now - 20);
  CHECK(f.shown_in_text() == Bytes{2});
  f.given(ben, {3}, now - 5);
  CHECK(f.shown_in_text() == Bytes{3});
  f.given(Jid("15550000001", "s.whatsapp.net"), {9}, now);  // the own account is no contact
  CHECK_FALSE(f.stored(Jid("100000000000001", "lid")));
}

TEST_CASE("it is shown to who is asked for a picture, a profile and presence, and never to the account itself") {
  Tokens f;
  f.given(ann_number, {7}, f.seconds(), ann);
  const auto picture = f.ask(GetPicture{ann, true, false});
  REQUIRE(picture.asked.size() == 1);
  CHECK(protocol::to_bytes(picture.asked[0].child("picture")->child_data("tctoken").value()) == Bytes{7});
  const auto profile = f.ask(LookAtContact{ann});
  REQUIRE(profile.asked.size() == 1);
  CHECK(protocol::read_profile_query(profile.asked[0])->users.at(0).token == Bytes{7});
  f.hear(Node("presence").set("from", Jid("15550000001", "s.whatsapp.net")).set("name", "Me"));
  const auto own = f.ask(GetPicture{Jid("15550000001", "s.whatsapp.net"), true, false});
  REQUIRE(own.asked.size() == 1);
  CHECK_FALSE(own.asked[0].child("picture")->child("tctoken"));
}

TEST_CASE("who is written to is given a token once in a week, when the server has the text") {
  Tokens f;
  f.shown_in_text();
  CHECK(Tokens::issued(Tokens::sent(f.last)).empty());
  const auto first = f.hear(test::ack(f.sent_id));
  REQUIRE(Tokens::issued(first) == std::vector<protocol::TokenIssue>{{ben, f.seconds()}});
  const std::string second = (f.shown_in_text(), f.sent_id);
  CHECK(Tokens::issued(f.hear(test::ack(second))).empty());  // it is being asked for
  CHECK_FALSE(f.stored(ben));
  f.hear(result_of(Tokens::question(first)));
  CHECK(f.stored(ben)->issued_at == f.seconds());
  f.shown_in_text();
  CHECK(Tokens::issued(f.hear(test::ack(f.sent_id))).empty());

  f.restart();
  f.shown_in_text();
  CHECK(Tokens::issued(f.hear(test::ack(f.sent_id))).empty());
  f.restart(week);
  f.shown_in_text();
  CHECK(Tokens::issued(f.hear(test::ack(f.sent_id))).size() == 1);
}

TEST_CASE("a cut before the answer gives it again with the next text, and what was refused gives none") {
  Tokens f;
  f.shown_in_text();
  REQUIRE(Tokens::issued(f.hear(test::ack(f.sent_id))).size() == 1);
  test::reconnect(f);
  f.shown_in_text();
  CHECK(Tokens::issued(f.hear(test::ack(f.sent_id))).size() == 1);
  Tokens other;
  other.shown_in_text();
  CHECK(Tokens::issued(other.hear(test::ack(other.sent_id, 463))).empty());
}

TEST_CASE("who has a new phone is given a token again, if the old one had one") {
  Tokens f;
  const auto new_phone = [&](const Jid& user) {
    Node changed("notification");
    changed.set("type", "encrypt").set("from", user).set("id", "e" + std::to_string(++f.number)).set("t", "1700000000");
    return Tokens::issued(f.hear(changed.add(Node("identity"))));
  };
  CHECK(new_phone(ann).empty());
  f.shown_in_text();
  f.hear(result_of(Tokens::question(f.hear(test::ack(f.sent_id)))));
  CHECK(new_phone(ben).size() == 1);
}

TEST_CASE("what a number gave is its LID's once that is known") {
  Tokens f;
  f.given(ann_number, {4}, f.seconds());
  REQUIRE(f.stored(ann_number));
  f.learn(ann_number, ann);
  CHECK_FALSE(f.stored(ann_number));
  REQUIRE(f.stored(ann));
  CHECK(f.stored(ann)->token == Bytes{4});
}
