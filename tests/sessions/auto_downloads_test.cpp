// Files that a real Session fetches by itself, as its configuration says.
#include "sessions/media/auto_downloads.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/messages/padding.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using test::ben;
using test::SignalPeer;

using Fixture = wharf::test::SessionFixture;

namespace {

struct Receiving : Fixture {
  explicit Receiving(AutoDownload wish) {
    reopen();
    session->context().config.auto_download = std::move(wish);
    go_online();
    REQUIRE(protocol::start_session(peer.session, peer.local, test::published_bundle(*this), random).has_value());
  }

  std::vector<Effect> receive(const std::string& id, protocol::MessageKind kind, std::uint64_t length,
                              bool view_once = false) {
    protocol::MediaContent content;
    content.kind = kind;
    content.file.mimetype = "image/jpeg";
    content.file.length = length;
    content.file.sha256.assign(32, ++files);
    content.file.enc_sha256.assign(32, ++files);
    content.file.key.assign(32, ++files);
    content.file.direct_path = "/v/" + id + ".enc";
    protocol::MessageFrame frame;
    frame.view_once = view_once;
    const auto message = protocol::build_message(content, frame, random).encoded;
    const auto sealed = protocol::encrypt(peer.session, peer.local, protocol::pad_message(message, random)).value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    Node stanza("message");
    stanza.set("id", id).set("from", ben).set("t", "1700000000").set("type", "media").add(enc.bytes(sealed.body));
    auto effects = this->stanza(std::move(stanza));
    const auto asked = sent(effects);
    return asks_for_hosts(asked) && hosts_are_told ? tell_hosts(asked) : std::move(effects);
  }
  static bool asks_for_hosts(const std::vector<Node>& nodes) {
    return std::any_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.child("media_conn"); });
  }
  /// Answers the question for media hosts that is among these; the transfers that begin by then.
  std::vector<Effect> tell_hosts(const std::vector<Node>& asked) {
    for (const Node& node : asked) {
      if (!node.child("media_conn")) continue;
      Node conn("media_conn");
      conn.set("auth", "token").set("ttl", "3600").set("auth_ttl", "3600").set("max_buckets", "12");
      conn.add(Node("host").set("hostname", "mmg.example.net"));
      return stanza(
          Node("iq").set("type", "result").set("id", node.attr("id")).set("from", "s.whatsapp.net").add(conn));
    }
    return {};
  }
  /// What each download that began is of.
  std::vector<std::string> begun(std::vector<Effect>& effects) {
    std::vector<std::string> paths;
    for (Effect& effect : effects) {
      auto* download = std::get_if<StartDownload>(&effect);
      if (download == nullptr) continue;
      const std::string& target = download->download.targets.at(0).target;
      paths.push_back(target.substr(0, target.find('?')));
      under_way.push_back(std::move(download->then));
    }
    return paths;
  }
  std::vector<std::string> next_ends(Transferred<void> result) {
    auto then = std::make_shared<UniqueFunction<void(Transferred<void>)>>(std::move(under_way.front()));
    under_way.erase(under_way.begin());
    auto effects = call([then, result] { (*then)(result); });
    return begun(effects);
  }

  SignalPeer peer = SignalPeer::make(random, 77);
  std::uint8_t files = 0;
  bool hosts_are_told = true;
  std::vector<UniqueFunction<void(Transferred<void>)>> under_way;
};

constexpr auto image = protocol::MessageKind::image, document = protocol::MessageKind::document;
using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("files of the wished kinds and sizes are fetched when they come, others are not") {
  Receiving f({{"image"}, 1'000});
  auto small = f.receive("A1", image, 1'000);
  CHECK(f.begun(small) == Paths{"/v/A1.enc"});
  auto large = f.receive("A2", image, 1'001), other = f.receive("A3", document, 10);
  auto unsaid = f.receive("A4", image, 0);  // it might be of any length
  CHECK(f.begun(unsaid).empty());
  CHECK(f.begun(large).empty());
  CHECK(f.begun(other).empty());
}

TEST_CASE("without a wish nothing is fetched, and what can be seen once is left to whoever asks") {
  Receiving nothing({});
  auto left = nothing.receive("A1", image, 10);
  CHECK(nothing.begun(left).empty());
  Receiving f({{"image"}, 1'000});
  auto once = f.receive("A2", image, 10, true);
  CHECK(f.begun(once).empty());
}

TEST_CASE("two at a time, in order; one that fails is not tried again and holds up nobody") {
  Receiving f({{"image"}, 1'000});
  Paths all;
  for (const char* id : {"A1", "A2", "A3", "A4"}) {
    auto effects = f.receive(id, image, 10);
    for (const std::string& path : f.begun(effects)) all.push_back(path);
  }
  CHECK(all == Paths{"/v/A1.enc", "/v/A2.enc"});
  CHECK(f.next_ends({}) == Paths{"/v/A3.enc"});
  CHECK(f.next_ends(TransferFailure{TransferFailure::Why::temporary, "503"}) == Paths{"/v/A4.enc"});
  CHECK(f.next_ends({}).empty());
  CHECK(f.next_ends({}).empty());
}

TEST_CASE("somebody who asks for a file that is being fetched waits for that") {
  Receiving f({{"image"}, 1'000});
  auto effects = f.receive("A1", image, 10);
  REQUIRE(f.begun(effects).size() == 1);
  std::optional<Outcome<>> answer;
  auto asked = f.tell(FetchMedia{"A1"}, [&](Outcome<> outcome) { answer = std::move(outcome); });
  CHECK(f.begun(asked).empty());
  CHECK_FALSE(answer);
  f.next_ends({});
  REQUIRE(answer);
  CHECK(answer->has_value());
}

TEST_CASE("what the end of the connection cuts off is begun again on the next one, and once") {
  Receiving f({{"image"}, 1'000});
  f.hosts_are_told = false;
  auto asked = f.receive("A1", image, 10);
  CHECK(f.begun(asked).empty());
  auto cut = f.cut();
  CHECK(f.begun(cut).empty());
  const auto online = f.go_online();
  REQUIRE(Receiving::asks_for_hosts(online));
  auto told = f.tell_hosts(online);
  CHECK(f.begun(told) == Paths{"/v/A1.enc"});
  CHECK(f.next_ends({}).empty());
  f.cut();
  CHECK_FALSE(Receiving::asks_for_hosts(f.go_online()));
}

TEST_CASE("a server that names no hosts is asked again on the next connection, not at once") {
  Receiving f({{"image"}, 1'000});
  f.hosts_are_told = false;
  const auto asked = f.sent(f.receive("A1", image, 10));
  const auto query =
      std::find_if(asked.begin(), asked.end(), [](const Node& node) { return node.child("media_conn"); });
  REQUIRE(query != asked.end());
  const auto refused = Node("iq").set("type", "error").set("id", query->attr("id")).set("from", "s.whatsapp.net");
  CHECK_FALSE(Receiving::asks_for_hosts(f.sent(f.stanza(refused))));
  f.cut();
  CHECK(Receiving::asks_for_hosts(f.go_online()));
}

TEST_CASE("what comes while people wait for many files is fetched when there is room again") {
  Receiving f({{"image"}, 1'000});
  for (std::size_t i = 0; i < Downloads::max_wanted / 2; ++i) {
    const std::string id = "B" + std::to_string(i);
    f.receive(id, document, 10);
    auto effects = f.tell(FetchMedia{id});
    if (i == 0) effects = f.tell_hosts(f.sent(effects));
    CHECK(f.begun(effects).size() == 1);
  }
  auto full = f.receive("A1", image, 10);
  CHECK(f.begun(full).empty());
  CHECK(f.next_ends({}) == Paths{"/v/A1.enc"});
}
