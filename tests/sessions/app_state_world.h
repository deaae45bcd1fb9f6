#pragma once
// App state between a real Session, a server that keeps collections, and a phone that writes them: everything that the
// session sends or wants done is done, one turn after another, and any of the turns may be the last of its process.

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/appstate/actions.h"
#include "protocol/messages/bootstrap.h"
#include "protocol/messages/padding.h"
#include "protocol/messages/wire.h"
#include "protocol/stanzas/app_state_sync.h"
#include "storage/app_state.h"
#include "tests/sessions/people_stanzas.h"
#include "tests/sessions/sending.h"

namespace wharf::test {

using protocol::AppStateMutation;
using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Node;

inline const std::string book(protocol::critical_unblock_low), profile(protocol::critical_block);

/// The server and the other devices of the account. It believes no patch whose signatures are wrong.
struct AppStateServer {
  struct Key {
    Bytes id, data;
  };
  struct Collection {
    protocol::AppStateCollection state;  // as the phone has it
    std::uint64_t snapshot_version = 0;
    Bytes reference, file;
    std::vector<std::pair<std::uint64_t, Bytes>> patches;
  };
  protocol::SeededRandom random{5};
  std::vector<Key> keys = {{{0, 0, 0, 0, 0, 1}, Bytes(32, 7)}};  // the last one signs
  std::map<std::string, Collection> collections;
  unsigned refusals = 0;          // of patches with 409, whatever they are based on
  std::optional<unsigned> error;  // of every answer
  std::size_t page = 0;           // so many patches in an answer; 0: all of them
  unsigned silences = 0;          // of answers that name no collection

  const protocol::AppStateKeys* expanded(ByteView id) {
    for (const Key& key : keys)
      if (protocol::equal(key.id, id))
        return &expanded_.try_emplace(key.id, protocol::AppStateKeys::expand(key.data)).first->second;
    return nullptr;
  }
  protocol::AppStateKeyring keyring() {
    return [this](ByteView id) { return expanded(id); };
  }
  protocol::AppStateSigner signer() { return {keys.back().id, *expanded(keys.back().id), 0}; }

  void publish(const std::string& name, const std::vector<AppStateMutation>& records) {
    Collection& of = collections[name];
    ++of.state.version;
    const Bytes snapshot = protocol::build_snapshot(of.state, name, records, signer(), random);
    auto blob = protocol::seal_blob(snapshot, "/v/" + name + "?oe=0", random);
    of.snapshot_version = of.state.version;
    of.reference = std::move(blob.reference);
    of.file = std::move(blob.encrypted);
  }
  /// Another device changes this.
  void patch(const std::string& name, const std::vector<AppStateMutation>& mutations) {
    Collection& of = collections[name];
    keep(of, protocol::build_patch(of.state, name, mutations, signer(), random));
  }
  /// The same by a device whose hash has diverged: all it signs is right but that the hash is another one.
  void patch_diverged(const std::string& name, const std::vector<AppStateMutation>& mutations) {
    Collection& of = collections[name];
    const protocol::Digest32 stray{1};
    of.state.hash.add(stray);
    const Bytes patch = protocol::build_patch(of.state, name, mutations, signer(), random);
    of.state.hash.subtract(stray);
    keep(of, patch);
  }
  /// A byte of the patch MAC of the last patch is another one.
  void spoil_last_patch(const std::string& name) {
    Bytes& patch = collections[name].patches.back().second;
    const auto mac = protocol::bytes_field(patch, 5);
    REQUIRE(mac);
    patch[static_cast<std::size_t>(mac->data() - patch.data())] ^= 1;
  }
  static void keep(Collection& of, const Bytes& patch) {
    Bytes version, numbered = patch;
    protocol::append_varint(version, 1U << 3);
    protocol::append_varint(version, of.state.version);
    protocol::append_field(numbered, 1, version);
    of.patches.emplace_back(of.state.version, std::move(numbered));
  }
  Node answer(const Node& iq) {
    if (silences > 0) {
      --silences;
      return result_of(iq, Node("sync"));
    }
    const Node& asked = *iq.child("sync")->child("collection");
    Node out("collection");
    out.set("name", asked.attr("name"));
    Collection& of = collections[asked.attr("name")];
    const std::uint64_t version = asked.number("version").value_or(0);
    const auto taken = asked.child_data("patch");
    if (error) {
      out.set("type", "error").add(Node("error").set("code", std::uint64_t{*error}).set("text", "no"));
    } else if (taken && (refusals > 0 || version != of.state.version)) {
      if (refusals > 0) --refusals;
      out.set("type", "error").set("version", of.state.version);
      out.add(Node("error").set("code", std::uint64_t{409}).set("text", "conflict"));
    } else if (taken) {
      REQUIRE(protocol::apply_patch(of.state, asked.attr("name"), *taken, keyring()).has_value());
      keep(of, protocol::to_bytes(*taken));
      out.set("version", of.state.version).set("type", "result");
    } else {
      out.set("version", of.state.version).set("type", "result");
      const bool whole = asked.attr("return_snapshot") == "true" && of.snapshot_version != 0;
      if (whole) out.add(Node("snapshot").bytes(of.reference));
      Node patches("patches");
      for (const auto& [number, patch] : of.patches) {
        if (number <= (whole ? of.snapshot_version : version)) continue;
        if (page != 0 && patches.children().size() == page) {
          out.set("has_more_patches", "true");
          break;
        }
        patches.add(Node("patch").bytes(patch));
      }
      if (!patches.children().empty()) out.add(std::move(patches));
    }
    return result_of(iq, Node("sync").add(std::move(out)));
  }

 private:
  static Node result_of(const Node& iq, Node sync) {
    return Node("iq")
        .set("id", iq.attr("id"))
        .set("type", "result")
        .set("from", Jid("", "s.whatsapp.net"))
        .add(std::move(sync));
  }
  std::map<Bytes, protocol::AppStateKeys> expanded_;
};

struct AppStateWorld : PeopleFixture {
  AppStateServer server;
  std::deque<Effect> open;        // what is to be done
  std::vector<Node> asked, said;  // questions about app state; everything else that was sent
  bool answering = true;          // the server does
  bool serving = true;            // the media hosts do
  std::string damaged;            // the file of this collection, the next time
  std::vector<std::string> hosts_asked;
  int turns = 0, crash_at = -1;  // the process ends with this turn
  bool committed = false;        // of that turn: its rows are there, and nothing of it was done

  AppStateWorld() : PeopleFixture(false) {
    server.publish(profile, {protocol::set_push_name("Harbour", 1)});
    server.publish(book, {});
  }
  /// The keys that the phone had shared before this process.
  void know_keys() {
    call([this] {
      for (const auto& key : server.keys)
        session->context().records.add(storage::PutAppStateKey{row.id, key.id, key.data, 1});
    });
  }
  void connect() {
    for (const Node& node : go_online()) open.emplace_back(SendPayload{protocol::encode_node(node)});
    settle();
  }
  void cut() {
    open.clear();
    PeopleFixture::cut();
  }

  /// `run` does one turn, whose rows are lost when it gets false.
  template <class Run>
  void step(Run run) {
    const bool crash = turns++ == crash_at;
    auto more = run(!crash || committed);
    if (!crash) {
      for (Effect& effect : more) open.push_back(std::move(effect));
      return;
    }
    open.clear();
    reopen();
    for (const Node& node : go_online()) open.emplace_back(SendPayload{protocol::encode_node(node)});
  }
  void arrive(const Node& node) {
    step([&](bool durable) { return turn_of(StanzaArrived{node, session->link_epoch()}, durable); });
  }
  void settle() {
    while (!open.empty()) {
      Effect effect = std::move(open.front());
      open.pop_front();
      if (auto* work = std::get_if<RunWork>(&effect)) {
        work->work();
        step([&](bool durable) { return call(std::move(work->then), durable); });
      } else if (auto* file = std::get_if<FetchSmallFile>(&effect)) {
        hosts_asked.push_back(file->file.targets.at(0).host);
        if (!serving) continue;
        const Bytes bytes = file_at(file->file.targets.at(0).target);
        step([&](bool durable) { return call([&] { file->then(bytes); }, durable); });
      } else if (auto* payload = std::get_if<SendPayload>(&effect)) {
        take(*protocol::decode_node(payload->payload));
      }
    }
  }
  void take(const Node& node) {
    if (node.is("iq") && node.attr("xmlns") == "w:sync:app:state") {
      asked.push_back(node);
      if (answering) arrive(server.answer(node));
    } else if (node.attr("xmlns") == "w:p") {
      arrive(Node("iq").set("id", node.attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net")));
    } else if (node.child("media_conn") != nullptr) {
      arrive(Node("iq").set("id", node.attr("id")).set("type", "error").add(Node("error").set("code", "500")));
    } else {
      said.push_back(node);
    }
  }
  Bytes file_at(const std::string& target) {
    for (const auto& [name, collection] : server.collections) {
      if (!target.starts_with("/v/" + name + "?")) continue;
      Bytes file = collection.file;
      if (std::exchange(damaged, name == damaged ? "" : damaged) == name) file[0] ^= 1;
      return file;
    }
    FAIL("no such file: " << target);
    return {};
  }
  /// Time passes, and what falls due is done.
  void pass(std::chrono::milliseconds by) {
    for (const Node& node : later(by)) open.emplace_back(SendPayload{protocol::encode_node(node)});
    settle();
  }
  /// What is stored of it is believed no more: the next connection asks for all of it.
  void distrust(const std::string& name) {
    call([&] {
      auto row_of = stored(name);
      row_of.whole_is_wanted = true;
      session->context().records.add(storage::PutAppState{row.id, row_of});
    });
  }
  void reconnect() {
    cut();
    connect();
  }
  /// Of the questions, those for all of a collection.
  std::size_t wholes_asked() const {
    return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [](const Node& iq) {
      return iq.child("sync")->child("collection")->attr("return_snapshot") == "true";
    }));
  }
  /// The server speaks of the newest version.
  void notify(const std::string& name) {
    Node notification("notification");
    notification.set("type", "server_sync").set("from", Jid("15550000001", "s.whatsapp.net"));
    notification.set("id", "n" + std::to_string(++notified_)).set("t", "1700000000");
    arrive(
        notification.add(Node("collection").set("name", name).set("version", server.collections[name].state.version)));
    settle();
  }
  /// The phone shares its keys, as after linking.
  void share_keys(SignalPeer& phone) {
    protocol::AppStateKeyShare share;
    std::copy(server.keys.back().id.begin(), server.keys.back().id.end(), share.key_id.begin());
    std::copy(server.keys.back().data.begin(), server.keys.back().data.end(), share.key_data.begin());
    const auto sealed =
        protocol::encrypt(phone.session, phone.local, protocol::pad_message(protocol::build_key_share(share), random))
            .value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    Node message("message");
    message.set("id", "K" + std::to_string(++notified_))
        .set("from", own_lid)
        .set("type", "text")
        .set("t", "1700000000");
    arrive(message.set("category", "peer").add(enc.bytes(sealed.body)));
    settle();
  }

  /// A program asks, in this request; what it hears may come later.
  template <class Operation>
  std::shared_ptr<std::optional<Outcome<>>> change(Operation operation, const std::string& request = "") {
    auto heard = std::make_shared<std::optional<Outcome<>>>();
    step([&](bool durable) {
      Asked<Operation> command{operation, [heard](Outcome<> done) { *heard = std::move(done); }};
      return turn_of(CommandArrived{std::move(command), request}, durable);
    });
    settle();
    return heard;
  }
  std::string saved_name(const Jid& who) {
    const auto found = contact(who);
    return found ? found->name : "";
  }
  storage::AppStateRow stored(const std::string& name) {
    return storage::find_app_state(store->reader(), row.id, name).value_or(storage::AppStateRow());
  }
  std::vector<storage::AppStateWish> wishes(const std::string& name) {
    return storage::app_state_wishes(store->reader(), row.id, name, 100);
  }
  /// What is stored is exactly what the other devices have.
  void check_same(const std::string& name) {
    INFO(name);
    const auto here = stored(name);
    const auto& there = server.collections[name].state;
    CHECK(here.version == there.version);
    CHECK(here.hash == protocol::to_bytes(there.hash.bytes()));
    CHECK_FALSE(here.whole_is_wanted);
    std::map<protocol::Digest32, protocol::Digest32> values;
    for (const auto& record : storage::app_state_records_after(store->reader(), row.id, name, {}, 100'000))
      values[record.index_mac] = record.value_mac;
    CHECK(values == there.values);
  }
  std::size_t logged_lines(std::string_view event) const {
    return static_cast<std::size_t>(
        std::count_if(logged.begin(), logged.end(), [&](const std::string& line) { return line.starts_with(event); }));
  }

  /// The names that events told, in their order.
  std::vector<std::string> names_told() {
    std::vector<std::string> names;
    for (const auto& told : told_of<events::ContactUpdated>())
      if (told.change == events::ContactUpdated::Change::name) names.push_back(told.text);
    return names;
  }
  /// What names are now, and the requests that those events name.
  std::map<std::string, std::string> requests_told() {
    std::map<std::string, std::string> requests;
    for (const storage::Event& entry : storage::read_events(store->reader(), {})) {
      const auto event = storage::value_of(entry).value();
      const auto* told = std::get_if<events::ContactUpdated>(&event->fact);
      if (told != nullptr && !told->text.empty()) requests[told->text] = event->request_id;
    }
    return requests;
  }

 private:
  int notified_ = 0;
};

/// As another device writes it.
inline AppStateMutation saving(const Jid& who, std::string name, std::optional<Jid> lid = std::nullopt,
                               std::int64_t at = 5) {
  protocol::ContactAction contact;
  contact.full_name = std::move(name);
  contact.lid = std::move(lid);
  return protocol::save_contact(who, contact, at);
}
inline AppStateMutation saving_lid(const Jid& who, const std::string& name) {
  Bytes action;
  protocol::append_field(action, 1, protocol::as_bytes(name));
  AppStateMutation mutation;
  mutation.index = protocol::index_of({protocol::lid_contact_action, who.to_string()});
  protocol::append_field(mutation.value, 61, action);
  mutation.version = protocol::lid_contact_version;
  return mutation;
}
/// As a program asks for it.
inline SaveContact save(const Jid& who, std::string name) {
  SaveContact out;
  out.who = who;
  out.full_name = std::move(name);
  return out;
}

}  // namespace wharf::test
