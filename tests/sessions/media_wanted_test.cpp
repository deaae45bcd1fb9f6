// Files that somebody wants of a real Session: fetched once, and asked of the phone when they are gone.
#include <catch2/catch.hpp>

#include "protocol/media/media_retry.h"
#include "protocol/messages/media_location.h"
#include "tests/sessions/sent_files.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;
using namespace wharf::test;

namespace {

/// A received image, and somebody who wants it.
struct Wanted : Files {
  Wanted() {
    go_online();
    protocol::MediaContent content = std::get<SendMedia>(picture().content).content;
    content.file.direct_path = "/v/old.enc?oe=1";
    content.file.url = "https://mmg.example.net/v/old.enc?oe=1";
    storage::MessageRow message;
    message.session = row.id;
    message.chat = ben;
    message.author = ben;
    message.id = "3EB0THEIRS";
    message.kind = "image";
    message.content = protocol::build_message(content, {}, random).encoded;
    key = *protocol::exactly<32>(content.file.key);
    storage::Changes changes;
    changes.add(storage::InsertMessage{std::move(message), true, std::nullopt});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  std::vector<Effect> fetch() {
    auto asked = tell(FetchMedia{"3EB0THEIRS"}, [this](Outcome<> outcome) { answer = std::move(outcome); });
    return asks_for_hosts(asked).empty() ? std::move(asked) : answer_hosts(asked);
  }
  std::vector<Effect> download_ends(std::vector<Effect>& effects, Transferred<void> result) {
    return finish<StartDownload>(effects, std::move(result));
  }
  Node notification(protocol::MediaRetryOutcome outcome, const protocol::MediaKey& with) {
    protocol::MediaRetryAnswer said;
    said.outcome = outcome;
    if (outcome == protocol::MediaRetryOutcome::success) said.direct_path = "/v/new.enc?oe=2";
    return protocol::media_retry_notification("3EB0THEIRS", session->context().device.jid.user_jid(), 1'700'000'000,
                                              protocol::RetriedMessage{ben, false, std::nullopt}, said, with, random);
  }
  static std::vector<Node> requests(const std::vector<Effect>& effects) {
    auto nodes = sent(effects);
    std::erase_if(nodes, [](const Node& node) { return node.attr("type") != "server-error"; });
    return nodes;
  }
  protocol::MediaKey key{};
  std::optional<Outcome<>> answer;
};

}  // namespace

TEST_CASE("one download serves all who want a file") {
  Wanted f;
  auto started = f.fetch();
  std::optional<Outcome<>> second;
  auto joined = f.tell(FetchMedia{"3EB0THEIRS"}, [&](Outcome<> outcome) { second = std::move(outcome); });
  CHECK(all<StartDownload>(joined).empty());
  const auto& targets = all<StartDownload>(started).at(0)->download.targets;
  REQUIRE(!targets.empty());
  CHECK(targets[0].host == "mmg.example.net");
  CHECK(targets[0].target.starts_with("/v/old.enc?oe=1&hash="));
  f.download_ends(started, {});
  REQUIRE((f.answer && second));
  CHECK((f.answer->has_value() && second->has_value()));
}

TEST_CASE("the file of a message that is named with its chat is that one's, and its new place too") {
  Wanted f;
  const auto row_in = [&](const Jid& chat) {
    return *storage::find_message(f.store->reader(), f.row.id, chat, "3EB0THEIRS");
  };
  storage::MessageRow other = row_in(ben);
  other.chat = other.author = carl;
  other.content = protocol::with_media_place(other.content, {"", "/v/carl.enc?oe=1", ""});
  storage::Changes changes;
  changes.add(storage::InsertMessage{std::move(other), true, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });

  const auto fetch = [&](const Jid& chat, std::optional<Outcome<>>& answer) {
    return f.tell(FetchMedia{"3EB0THEIRS", chat}, [&](Outcome<> outcome) { answer = std::move(outcome); });
  };
  auto started = fetch(ben, f.answer);
  if (!asks_for_hosts(started).empty()) started = f.answer_hosts(started);
  CHECK(all<StartDownload>(started).at(0)->download.targets.at(0).target.starts_with("/v/old.enc?oe=1&hash="));
  std::optional<Outcome<>> of_carl, of_nobody;
  fetch(carl, of_carl);
  REQUIRE(of_carl);
  CHECK(of_carl->error().code == Errc::rate_limited);
  fetch(Jid("15550000009", "s.whatsapp.net"), of_nobody);
  REQUIRE(of_nobody);
  CHECK(of_nobody->error().code == Errc::not_found);

  f.download_ends(started, TransferFailure{Why::gone, "404"});
  auto again = f.stanza(f.notification(protocol::MediaRetryOutcome::success, f.key));
  f.download_ends(again, {});
  CHECK(f.answer->has_value());
  CHECK(stored_media(row_in(ben).content)->file.direct_path == "/v/new.enc?oe=2");
  CHECK(stored_media(row_in(carl).content)->file.direct_path == "/v/carl.enc?oe=1");
  auto next = fetch(carl, of_carl);
  CHECK(all<StartDownload>(next).at(0)->download.targets.at(0).target.starts_with("/v/carl.enc?oe=1&hash="));
  f.download_ends(next, {});
  CHECK(of_carl->has_value());
}

TEST_CASE("a file that is gone is asked of the phone, and its new place is kept") {
  Wanted f;
  auto started = f.fetch();
  auto asked = f.download_ends(started, TransferFailure{Why::gone, "404"});
  const auto requests = Wanted::requests(asked);
  REQUIRE(requests.size() == 1);
  const auto request = protocol::read_media_retry_receipt(requests[0]);
  REQUIRE(request.has_value());
  CHECK(request->message == protocol::RetriedMessage{ben, false, std::nullopt});
  CHECK(protocol::check_media_retry_request(*request, f.key).has_value());

  SECTION("it has it") {
    // What was sealed with another key is nobody's answer.
    protocol::MediaKey other = f.key;
    other[0] ^= 1;
    auto forged = f.stanza(f.notification(protocol::MediaRetryOutcome::success, other));
    CHECK(all<StartDownload>(forged).empty());
    auto again = f.stanza(f.notification(protocol::MediaRetryOutcome::success, f.key));
    REQUIRE(all<StartDownload>(again).size() == 1);
    CHECK(all<StartDownload>(again)[0]->download.targets.at(0).target.starts_with("/v/new.enc?oe=2&hash="));
    const auto stored =
        stored_media(storage::find_message_by_id(f.store->reader(), f.row.id, "3EB0THEIRS", false)->content);
    CHECK(stored->file.direct_path == "/v/new.enc?oe=2");
    CHECK(stored->file.url.empty());
    // Gone again: the phone is not asked a second time.
    auto end = f.download_ends(again, TransferFailure{Why::gone, "404"});
    CHECK(Wanted::requests(end).empty());
    REQUIRE(f.answer);
    CHECK(f.answer->error().subject == Subject::media);
    CHECK(f.answer->error().code == Errc::not_found);
  }
  SECTION("it has it no more") {
    f.stanza(f.notification(protocol::MediaRetryOutcome::not_found, f.key));
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::not_found);
  }
  SECTION("it could not") {
    f.stanza(f.notification(protocol::MediaRetryOutcome::general_error, f.key));
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::network);
  }
  SECTION("it does not answer") {
    f.steady += 59s;
    f.turn({});
    CHECK_FALSE(f.answer);
    f.steady += 1s;
    f.turn({});
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::timed_out);
  }
  SECTION("the connection ends") {
    test::reconnect(f);
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::network);
  }
}

TEST_CASE("a notification that nobody asked for changes nothing") {
  Wanted f;
  auto effects = f.stanza(f.notification(protocol::MediaRetryOutcome::success, f.key));
  CHECK(all<StartDownload>(effects).empty());
  const auto stored =
      stored_media(storage::find_message_by_id(f.store->reader(), f.row.id, "3EB0THEIRS", false)->content);
  CHECK(stored->file.direct_path == "/v/old.enc?oe=1");
}
