// SIGKILL in the middle of traffic: no phone uses a message key twice, no message that a client saw acknowledged is
// lost, and the network's addresses and certificates stay. The companion lives in this process and remembers
// everything; the network lives in one that is killed again and again.

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "protocol/crypto/hash.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/noise/client_payload.h"
#include "protocol/pairing/qr.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/phones.h"
#include "tests/sandbox/wire_client.h"

namespace wharf::sandbox::test {

namespace {

constexpr const char* anna = "15550000001";
constexpr const char* ben = "15550000002";

SandboxSettings settings_of(const std::string& state_file) {
  SandboxSettings settings;
  settings.seed = 11;
  settings.state_file = state_file;
  return settings;
}

/// A life of the network: Anna writes to Ben as fast as he is told. Ends by SIGKILL only.
[[noreturn]] void run_network(const std::string& state_file, std::uint64_t seed, int report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a failed assertion leaves no process behind
  spdlog::set_level(spdlog::level::off);
  net::asio::io_context loop;
  protocol::SeededRandom random(seed);
  Sandbox sandbox(loop, settings_of(state_file), random);
  const auto started = sandbox.start();
  if (!started) ::_exit(2);
  const std::string line = started->web_socket_url + "\n" + started->noise_root_hex + "\n" +
                           protocol::to_hex(protocol::sha256(protocol::as_bytes(started->ca_pem))) + "\n";
  if (::write(report, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
  ::close(report);
  net::Timer timer(net::new_alarm(loop.get_executor()));
  std::function<void()> write_more = [&] {
    Phone& phone = *sandbox.phones().find(anna);
    const auto& log = phone.messages();
    if (log.empty() || !log.back().from_me || log.back().status != "pending") {
      (void)phone.send({ben, "text " + std::to_string(log.size()), {}, {}});
    }
    timer.after(std::chrono::milliseconds(1), write_more);
  };
  write_more();
  loop.run();
  ::_exit(4);
}

/// Ben's companion: its keys, its sessions, what it was told.
struct Desk {
  explicit Desk(net::asio::io_context& io) : loop(io) {}
  net::asio::io_context& loop;
  protocol::SeededRandom random{77};
  Keys keys{random};
  protocol::LoginIdentity login;
  Jid lid;
  Bytes device_identity;
  std::map<protocol::PreKeyId, protocol::KeyPair> one_time;
  std::map<Jid, protocol::SessionRecord> sessions;  // by device, LID form
  std::map<std::string, Bytes> key_uses;            // message key -> hash of the one ciphertext it may have
  std::set<std::string> read_ids, acked;
  std::map<std::string, Node> unacked;
  int reused = 0, undecryptable = 0, next_id = 0;
  std::unique_ptr<WireClient> client;
  std::size_t handled = 0;

  void connect(const SandboxAddresses& at) {
    handled = 0;
    client = std::make_unique<WireClient>(loop, at, false, keys, protocol::login_payload({}, login));
    REQUIRE(run_until(loop, [&] { return client->got("success") || !client->failure.empty(); }));
    REQUIRE(client->failure == "");
    Node active("iq");
    active.set("id", "active").set("to", protocol::server_jid()).set("type", "set").set("xmlns", "passive");
    client->send(active.add(Node("active")));
    client->send(Node("ib").add(Node("offline_batch").set("count", std::uint64_t{1'000})));
    for (const auto& [id, stanza] : unacked) client->send(stanza);  // unchanged: the network knows the id or takes it
  }

  void handle() {
    for (; handled < client->inbox.all.size(); ++handled) {
      const Node stanza = client->inbox.all[handled];
      if (stanza.is("ack") && stanza.attr("class") == "message" && !stanza.has("error")) {
        acked.insert(stanza.attr("id"));
        unacked.erase(stanza.attr("id"));
      } else if (stanza.is("notification")) {
        client->send(protocol::ack_for(stanza, std::nullopt));
      } else if (stanza.is("message")) {
        on_message(stanza);
      }
    }
  }

  void on_message(const Node& stanza) {
    const auto source = protocol::read_message_source(stanza, login.jid, lid);
    REQUIRE(source);
    const auto encs = protocol::read_encs(stanza);
    REQUIRE(encs.size() == 1);
    const auto kind =
        encs[0].type == "pkmsg" ? protocol::CiphertextKind::pre_key_message : protocol::CiphertextKind::message;
    const auto key = protocol::read_message_key(kind, encs[0].body);
    REQUIRE(key);
    const auto digest = protocol::sha256(encs[0].body);
    const auto [use, first] = key_uses.try_emplace(
        source->author.to_string() + protocol::to_hex(key->ratchet_key) + std::to_string(key->counter),
        Bytes(digest.begin(), digest.end()));
    if (!first && use->second != Bytes(digest.begin(), digest.end())) ++reused;
    auto& session = sessions[source->author];
    const protocol::OwnPreKeys own{[this](protocol::PreKeyId id) {
                                     return id == keys.signed_pre_key.id ? std::optional(keys.signed_pre_key.pair)
                                                                         : std::nullopt;
                                   },
                                   [this](protocol::PreKeyId id) {
                                     const auto found = one_time.find(id);
                                     return found == one_time.end() ? std::nullopt : std::optional(found->second);
                                   }};
    const auto plain = kind == protocol::CiphertextKind::pre_key_message
                           ? protocol::decrypt_pre_key_message(session, keys.identity, own, encs[0].body, random)
                           : protocol::decrypt_message(session, keys.identity, encs[0].body, random);
    if (plain) {
      read_ids.insert(source->id);
    } else if (!read_ids.contains(source->id)) {  // a redelivery may belong to a chain that is long gone
      ++undecryptable;
    }
    if (stanza.attr("id").back() % 3 == 0) return;  // comes again at the next login
    const auto answer = source->peer      ? protocol::DeliveryReceipt::peer
                        : source->from_me ? protocol::DeliveryReceipt::sender
                                          : protocol::DeliveryReceipt::active;
    client->send(protocol::delivery_receipt(stanza, answer, *source));
  }

  /// To Anna's phone, on the session her messages made.
  void write(const Jid& to) {
    auto session = sessions.find(to);
    if (session == sessions.end() || !session->second.has_current()) return;
    const auto content = protocol::build_text({"from the desk", {}, std::nullopt}, random);
    const auto sealed =
        protocol::encrypt(session->second, keys.identity, protocol::pad_message(content.encoded, random));
    REQUIRE(sealed);
    protocol::OutgoingStanza stanza;
    stanza.id = "D" + std::to_string(++next_id);
    stanza.to = to;
    stanza.device_identity = device_identity;
    stanza.participants.push_back({to, *sealed});
    const Node node = protocol::message_stanza(stanza);
    unacked.emplace(stanza.id, node);
    client->send(node);
  }
};

/// Links the companion with Ben's phone in a first, peaceful life.
void link(Desk& desk, const std::string& state_file) {
  auto& loop = desk.loop;
  protocol::SeededRandom random(5);
  Sandbox sandbox(loop, settings_of(state_file), random);
  const auto started = sandbox.start();
  REQUIRE(started.has_value());
  REQUIRE(sandbox.phones().create(anna, "Anna"));
  auto phone = sandbox.phones().create(ben, "Ben");
  REQUIRE(phone);
  WireClient fresh(
      loop, *started, false, desk.keys,
      protocol::registration_payload(
          {}, {desk.keys.identity.registration_id, desk.keys.identity.identity.pub, desk.keys.signed_pre_key.id,
               desk.keys.signed_pre_key.pair.pub, desk.keys.signed_pre_key.signature}));
  REQUIRE(run_until(loop, [&] { return fresh.got("iq") != nullptr; }));
  protocol::PairingQr qr{protocol::pair_device_refs(*fresh.got("iq")).at(0), desk.keys.noise.pub,
                         desk.keys.identity.identity.pub, desk.keys.adv_secret, '1'};
  (*phone)->scan(protocol::qr_text(qr), [](protocol::Result<Jid>) {});
  REQUIRE(run_until(loop, [&] { return fresh.got("iq")->child("pair-success") != nullptr; }));
  const Node success_iq = *fresh.got("iq");
  const auto success = protocol::read_pair_success(success_iq);
  REQUIRE(success);
  REQUIRE(success->has_value());
  desk.login.jid = (**success).jid;
  desk.lid = (**success).lid.value();
  const auto identity = protocol::accept_pair_success((**success).device_identity, desk.keys.adv_secret,
                                                      desk.keys.identity.identity, desk.random);
  REQUIRE(identity);
  desk.device_identity = identity->account;
  fresh.send(protocol::pair_device_sign(success_iq, identity->reply, identity->key_index));
  REQUIRE(run_until(loop, [&] { return fresh.closed; }));
  desk.connect(*started);
  const auto uploaded = desk.keys.pre_keys(1, 20, desk.random);
  for (const auto& key : uploaded) desk.one_time[key.id] = key.pair;
  desk.client->send(protocol::upload_prekeys_iq("keys", desk.keys.published(), uploaded));
  REQUIRE(run_until(loop, [&] { return desk.client->got("iq") != nullptr; }));
  desk.client.reset();
  sandbox.stop();
}

std::string read_line(int from) {
  std::string line;
  char c = 0;
  while (::read(from, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace

TEST_CASE("after SIGKILL no phone uses a message key twice and no acknowledged message is lost") {
  spdlog::set_level(spdlog::level::off);
  std::string pattern = (std::filesystem::temp_directory_path() / "wharf-crash-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::string state_file = pattern + "/state";
  net::asio::io_context loop;
  Desk desk(loop);
  link(desk, state_file);
  std::mt19937 choose(20261128);
  std::string url, root, ca;
  for (int kill_number = 0; kill_number < 10; ++kill_number) {
    INFO("kill " << kill_number);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      run_network(state_file, 1'000u + static_cast<unsigned>(kill_number), ends[1]);
    }
    ::close(ends[1]);
    const std::string at = read_line(ends[0]), root_now = read_line(ends[0]), ca_now = read_line(ends[0]);
    ::close(ends[0]);
    REQUIRE_FALSE(ca_now.empty());
    if (kill_number > 0) {
      CHECK(at == url);  // a port that was picked is picked again
      CHECK(ca_now == ca);
      CHECK(root_now == root);
    }
    url = at, root = root_now, ca = ca_now;
    SandboxAddresses addresses;
    addresses.web_socket_url = at;
    addresses.noise_root_hex = root_now;
    desk.connect(addresses);
    const std::size_t until = desk.read_ids.size() + 5 + choose() % 40;
    const Jid annas_phone = [&]() -> Jid {
      for (const auto& [device, session] : desk.sessions) {
        if (device.user != desk.lid.user) return device;
      }
      return {};
    }();
    const std::size_t acked_until = annas_phone.user.empty() ? 0 : desk.acked.size() + 3;
    REQUIRE(run_until(loop, [&] {
      desk.handle();
      if (!annas_phone.user.empty() && desk.unacked.size() < 4) desk.write(annas_phone);
      return desk.read_ids.size() >= until && desk.acked.size() >= acked_until;
    }));
    for (auto spin = choose() % 500'000; spin > 0; --spin) asm volatile("");
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    // What was already in the socket was said.
    run_until(loop, [&] { return desk.client->closed; });
    desk.handle();
    desk.client.reset();
  }
  CHECK(desk.reused == 0);
  CHECK(desk.undecryptable == 0);
  CHECK(desk.acked.size() > 20);

  protocol::SeededRandom random(6);
  Sandbox sandbox(loop, settings_of(state_file), random);
  REQUIRE(sandbox.start().has_value());
  REQUIRE(run_until(loop, [&] { return sandbox.network().queue_length({anna, 0}) == 0; }));
  std::set<std::string> shown;
  for (const auto& message : sandbox.phones().find(anna)->messages()) {
    if (!message.from_me) shown.insert(message.id);
    INFO(message.id << " " << message.failure);
    CHECK(message.status != "failed");
  }
  for (const auto& id : desk.acked) {
    INFO("acknowledged message " << id);
    CHECK(shown.contains(id));
  }
  sandbox.stop();
  std::filesystem::remove_all(pattern);
}

}  // namespace wharf::sandbox::test
