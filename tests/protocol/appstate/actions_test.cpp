#include "protocol/appstate/actions.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "protocol/messages/wire.h"
#include "tests/support/vectors.h"

namespace json = boost::json;
using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::vectors;

namespace {

const json::object& all() { return vectors("appstate").as_object(); }

struct Keys {
  std::map<Bytes, AppStateKeys> keys;
  Keys() {
    for (const auto& key : all().at("syncKeys").as_array())
      keys[hex(key.at("keyIdHex"))] = AppStateKeys::expand(hex(key.at("keyDataHex")));
  }
  AppStateKeyring lookup() const {
    return [this](ByteView id) -> const AppStateKeys* {
      const auto found = keys.find(to_bytes(id));
      return found == keys.end() ? nullptr : &found->second;
    };
  }
};

}  // namespace

TEST_CASE("an index is read into its strings, and what is none into nothing") {
  using Parts = std::vector<std::string>;
  const std::pair<const char*, Parts> table[] = {
      {R"(["setting_pushName"])", {"setting_pushName"}},
      {R"(["contact","15550000002@s.whatsapp.net"])", {"contact", "15550000002@s.whatsapp.net"}},
      {R"( [ "a" , "" ] )", {"a", ""}},
      {R"(["a\"\\\/\n\u0041\u00e4"])", {"a\"\\/\nA\xc3\xa4"}},
      {R"(["\ud800"])", {"\xef\xbf\xbd"}},
      {R"(["a",1])", {}},
      {R"(["a"]x)", {}},
      {R"(["a")", {}},
      {R"(["a",])", {}},
      {R"(["\u12"])", {}},
      {R"(["\x"])", {}},
      {"[\"a\nb\"]", {}},
      {R"([])", {}},
      {R"({"a":1})", {}},
      {"", {}},
  };
  for (const auto& [text, parts] : table) {
    INFO(text);
    CHECK(index_parts(text) == parts);
  }
  std::string many = R"(["a")";
  for (int i = 0; i < 16; ++i) many += R"(,"b")";
  CHECK(index_parts(many + "]").empty());
  CHECK(index_of({"contact", "1@lid"}) == R"(["contact","1@lid"])");
  CHECK(index_parts(index_of({"a\"b\\", ""})) == Parts{"a\"b\\", ""});
}

TEST_CASE("what is written of a contact and of the own name is read again") {
  const Jid ben("15550000002", "s.whatsapp.net"), lid("200000000000002", "lid");
  ContactAction contact{"Ben Baker", "Ben", lid, std::nullopt, true};
  const auto saved = save_contact(ben, contact, 1'700'000'000'000);
  CHECK(saved.index == R"(["contact","15550000002@s.whatsapp.net"])");
  CHECK(saved.version == 2);
  CHECK(saved.operation == AppStateMutation::Operation::set);
  CHECK(read_contact(saved.value) == contact);
  CHECK(varint_field(saved.value, 1) == 1'700'000'000'000u);
  CHECK_FALSE(read_lid_contact(saved.value));
  CHECK_FALSE(read_push_name(saved.value));
  contact = {"", "Ben", std::nullopt, ben, false};
  CHECK(read_contact(save_contact(lid, contact, 1).value) == contact);
  const auto removed = remove_contact(ben, 5);
  CHECK(removed.operation == AppStateMutation::Operation::remove);
  CHECK(removed.index == saved.index);
  CHECK(action_time(saved.value) == 1'700'000'000'000);
  CHECK(action_time(removed.value) == 5);
  CHECK(action_time(Bytes{}) == 0);
  const auto lid_removed = remove_lid_contact(lid, 5);
  CHECK(lid_removed.index == R"(["lid_contact","200000000000002@lid"])");
  CHECK(lid_removed.version == 1);
  CHECK(lid_removed.operation == AppStateMutation::Operation::remove);
  const auto named = set_push_name("Harbour", 1);
  CHECK(named.index == R"(["setting_pushName"])");
  CHECK(read_push_name(named.value) == "Harbour");
  CHECK_FALSE(read_push_name(set_push_name("", 1).value));
}

TEST_CASE("names of other devices are one line of bounded length, and LIDs that are none are left out") {
  Bytes action, value;
  append_field(action, 1, as_bytes("a\nb" + std::string(300, 'x')));
  append_field(action, 3, as_bytes("15550000002@s.whatsapp.net"));
  append_field(action, 5, as_bytes("not a jid"));
  append_field(value, 3, action);
  const auto contact = read_contact(value);
  REQUIRE(contact);
  CHECK(contact->full_name.starts_with("a bxxx"));
  CHECK(contact->full_name.size() <= max_action_name_bytes);
  CHECK_FALSE(contact->lid);
  CHECK_FALSE(contact->pn);
  Bytes lid_value;
  append_field(lid_value, 61, action);
  CHECK(read_lid_contact(lid_value)->full_name == contact->full_name);
}

TEST_CASE("a patch needs no other values of the collection than those of its own indexes") {
  const Keys keys;
  const std::string name(all().at("collection").as_string());
  AppStateCollection whole;
  const Bytes snapshot = hex(all().at("snapshot").at("snapshotHex"));
  const auto at_first = needs_of_snapshot(snapshot);
  REQUIRE(at_first);
  CHECK(at_first->index_macs.empty());
  for (const Bytes& id : at_first->key_ids) CHECK(keys.keys.contains(id));
  REQUIRE(apply_snapshot(whole, name, snapshot, keys.lookup()));
  for (const auto& row : all().at("patches").as_array()) {
    const Bytes patch = hex(row.at("patchHex"));
    const auto* external = row.as_object().if_contains("externalPlaintextSyncdMutationsHex");
    const Bytes mutations = external ? hex(*external) : Bytes();
    const auto needs = needs_of_patch(patch, mutations);
    REQUIRE(needs);
    CHECK(patch_version(patch).value_or(whole.version + 1) == whole.version + 1);
    AppStateCollection part;
    part.version = whole.version;
    part.hash = whole.hash;
    for (const auto& index : needs->index_macs)
      if (const auto known = whole.values.find(index); known != whole.values.end()) part.values.insert(*known);
    const auto done = apply_patch(part, name, patch, keys.lookup(), mutations);
    const auto wanted = apply_patch(whole, name, patch, keys.lookup(), mutations);
    REQUIRE(done);
    REQUIRE(wanted);
    CHECK(part.hash == whole.hash);
    for (const auto& index : needs->index_macs) CHECK(part.values.count(index) == whole.values.count(index));
    for (const auto& mutation : *done) {
      CHECK(std::find(needs->index_macs.begin(), needs->index_macs.end(), mutation.index_mac) !=
            needs->index_macs.end());
      if (mutation.operation == AppStateMutation::Operation::set) {
        CHECK(whole.values.at(mutation.index_mac) == mutation.value_mac);
        if (mutation.readable) CHECK(index_mac(keys.keys.at(mutation.key_id), mutation.index) == mutation.index_mac);
      }
    }
  }
  CHECK_FALSE(needs_of_patch(Bytes{0x12, 0x05}));
  CHECK_FALSE(needs_of_snapshot(Bytes{0xff}));
}

TEST_CASE("a removal is sealed with the key that it names, and left out where that is not there") {
  SeededRandom random(1);
  const Bytes old_id{0, 0, 0, 0, 0, 1}, new_id{0, 0, 0, 0, 0, 2};
  const std::map<Bytes, AppStateKeys> keys = {{old_id, AppStateKeys::expand(Bytes(32, 1))},
                                              {new_id, AppStateKeys::expand(Bytes(32, 2))}};
  const AppStateKeyring both = [&](ByteView id) -> const AppStateKeys* {
    const auto found = keys.find(to_bytes(id));
    return found == keys.end() ? nullptr : &found->second;
  };
  const Jid ben("15550000002", "s.whatsapp.net");
  const auto saved = save_contact(ben, {"Ben", "", {}, {}, false}, 1);
  AppStateCollection state;
  state.version = 1;
  build_snapshot(state, "book", {saved}, {old_id, keys.at(old_id)}, random);
  AppStateCollection there = state;
  auto old = remove_contact(ben, 2);
  old.key_id = old_id;
  const auto renamed = save_contact(ben, {"Benny", "", {}, {}, false}, 2);
  const Bytes patch = build_patch(state, "book", {old, renamed}, {new_id, keys.at(new_id)}, random, both);
  REQUIRE(apply_patch(there, "book", patch, both));
  CHECK(there.values == state.values);
  CHECK(there.hash == state.hash);
  CHECK(there.values.size() == 1);
  CHECK(there.values.contains(index_mac(keys.at(new_id), renamed.index)));
  const Bytes without = build_patch(state, "book", {old}, {new_id, keys.at(new_id)}, random);
  CHECK(needs_of_patch(without)->index_macs.empty());
}

TEST_CASE("a file says where it stands") {
  SeededRandom random(1);
  const auto blob = seal_blob(Bytes{1, 2, 3}, "/v/x?oe=0", random);
  const auto place = place_of_blob(blob.reference);
  REQUIRE(place);
  CHECK(place->direct_path == "/v/x?oe=0");
  CHECK(place->encrypted_sha256 == sha256(blob.encrypted));
  CHECK(place->announced_bytes == 3);
  CHECK_FALSE(place_of_blob(Bytes{}));
}

TEST_CASE("an index says whom it is about, and begins as all of its action do") {
  const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net");
  const auto about = [](std::initializer_list<std::string_view> parts) {
    return contact_of(index_parts(index_of(parts)));
  };
  for (const std::string& index : contact_indexes(ben_pn, ben)) {
    INFO(index);
    const auto who = contact_of(index_parts(index));
    CHECK((who == ben || who == ben_pn));
    CHECK((index.starts_with(index_start(contact_action)) || index.starts_with(index_start(lid_contact_action))));
  }
  CHECK(contact_indexes(ben_pn, ben).size() == 3);
  CHECK(contact_indexes(std::nullopt, ben).size() == 2);
  CHECK(contact_indexes(std::nullopt, std::nullopt).empty());
  CHECK(about({"contact", "15550000002:7@s.whatsapp.net"}) == ben_pn);
  CHECK_FALSE(about({"contact"}));
  CHECK_FALSE(about({"contacts", "15550000002@s.whatsapp.net"}));
  CHECK_FALSE(about({"contact", "120363000000000001@g.us"}));
  CHECK_FALSE(about({"lid_contact", "15550000002@s.whatsapp.net"}));
  CHECK_FALSE(about({"contact", std::string(200, '1') + "@lid"}));
  CHECK_FALSE(contact_of({}));
}
