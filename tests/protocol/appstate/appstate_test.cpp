#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <map>

#include "protocol/appstate/collection.h"
#include "protocol/messages/wire.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

namespace json = boost::json;
using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::vectors;

namespace {

const json::object& all() { return vectors("appstate").as_object(); }
std::string_view collection_name() { return all().at("collection").as_string(); }

Digest32 digest(const json::value& value) { return exactly<32>(hex(value)).value(); }

struct Keyring {
  std::map<Bytes, AppStateKeys> keys;
  Keyring() {
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

void check_state(const AppStateCollection& collection, const json::value& wanted) {
  CHECK(collection.version == wanted.at("version").to_number<std::uint64_t>());
  CHECK(to_hex(collection.hash.bytes()) == wanted.at("ltHashHex").as_string());
}

void check_actions(const std::vector<AppStateMutation>& mutations, const json::array& wanted) {
  REQUIRE(mutations.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& action = wanted[i];
    INFO(i);
    CHECK(mutations[i].readable);
    CHECK(mutations[i].index == json::serialize(action.at("index")));
    CHECK(mutations[i].version == action.at("version").to_number<std::int32_t>());
    CHECK((mutations[i].operation == AppStateMutation::Operation::set) == (action.at("operation") == "SET"));
    CHECK(mutations[i].value.empty() == action.at("value").is_null());
  }
}

/// The collection after the snapshot (5) and the patches up to `version`.
AppStateCollection at_version(std::uint64_t version) {
  const Keyring keys;
  AppStateCollection collection;
  REQUIRE(apply_snapshot(collection, collection_name(), hex(all().at("snapshot").at("snapshotHex")), keys.lookup()));
  for (const auto& patch : all().at("patches").as_array()) {
    if (collection.version >= version) break;
    const auto* external = patch.as_object().if_contains("externalPlaintextSyncdMutationsHex");
    REQUIRE(apply_patch(collection, collection_name(), hex(patch.at("patchHex")), keys.lookup(),
                        external ? hex(*external) : Bytes()));
  }
  return collection;
}

/// The error codes behind the names of the vectors; "" for what a gateway lets pass.
std::string code_of(std::string_view reason) {
  static const std::map<std::string_view, std::string_view> codes = {
      {"value-mac", "bad_mac"},           {"index-mac", "bad_mac"},         {"patch-mac", "bad_mac"},
      {"snapshot-mac", "bad_mac"},        {"version-mismatch", "conflict"}, {"bad-value-blob", "malformed"},
      {"unknown-operation", "malformed"}, {"duplicate-index", "malformed"}, {"missing-key", "invalid_key_id"},
      {"missing-mac", "malformed"}};
  return std::string(codes.at(reason));
}

}  // namespace

TEST_CASE("the summation hash follows the vectors, over the wrap of its lanes too") {
  const auto& all_hashes = vectors("lthash").as_object();
  LtHash hash;
  for (const auto& step : all_hashes.at("steps").as_array()) {
    if (step.at("op") == "add") {
      hash.add(digest(step.at("valueMacHex")));
    } else {
      hash.subtract(digest(step.at("valueMacHex")));
    }
    CHECK(to_hex(hash.bytes()) == step.at("stateAfterHex").as_string());
  }
  const auto& wrap = all_hashes.at("wrapAround");
  LtHash full = LtHash::from(hex(wrap.at("beforeHex"))).value();
  full.add(digest(wrap.at("valueMacHex")));
  CHECK(to_hex(full.bytes()) == wrap.at("afterHex").as_string());
  const auto& below = all_hashes.at("underflow");
  LtHash zero;
  zero.subtract(digest(below.at("valueMacHex")));
  CHECK(to_hex(zero.bytes()) == below.at("afterHex").as_string());
  CHECK_FALSE(LtHash::from(Bytes(127)));
}

TEST_CASE("a key expands into its five parts") {
  for (const auto& key : all().at("syncKeys").as_array()) {
    const auto keys = AppStateKeys::expand(hex(key.at("keyDataHex")));
    CHECK(keys.index == digest(key.at("indexKey")));
    CHECK(keys.value_encryption == digest(key.at("valueEncryptionKey")));
    CHECK(keys.value_mac == digest(key.at("valueMacKey")));
    CHECK(keys.snapshot_mac == digest(key.at("snapshotMacKey")));
    CHECK(keys.patch_mac == digest(key.at("patchMacKey")));
  }
}

TEST_CASE("a snapshot and the patches after it give their actions and their hash") {
  const Keyring keys;
  AppStateCollection collection;
  const auto& snapshot = all().at("snapshot");
  const auto file = open_blob(hex(snapshot.at("externalBlobReferenceHex")), hex(snapshot.at("externalEncFileHex")));
  REQUIRE(file);
  CHECK(to_hex(*file) == snapshot.at("snapshotHex").as_string());
  const auto records = apply_snapshot(collection, collection_name(), *file, keys.lookup());
  REQUIRE(records);
  check_actions(*records, snapshot.at("actions").as_array());
  check_state(collection, snapshot.at("stateAfter"));
  for (const auto& patch : all().at("patches").as_array()) {
    const auto bytes = hex(patch.at("patchHex"));
    Bytes mutations;
    if (const auto* external = patch.as_object().if_contains("externalEncFileHex")) {
      const auto opened = open_blob(external_mutations(bytes), hex(*external));
      REQUIRE(opened);
      mutations = *opened;
    }
    const auto applied = apply_patch(collection, collection_name(), bytes, keys.lookup(), mutations);
    REQUIRE(applied);
    check_actions(*applied, patch.at("actions").as_array());
    check_state(collection, patch.at("stateAfter"));
  }
  std::map<std::string, std::string> values;
  for (const auto& [index, value] : collection.values) values[to_hex(index)] = to_hex(value);
  std::map<std::string, std::string> wanted;
  for (const auto& [index, value] : all().at("finalIndexMacToValueMac").as_object())
    wanted[std::string(index)] = std::string(value.as_string());
  CHECK(values == wanted);

  const auto& unknown = all().at("removeOfUnknownIndex");
  REQUIRE(apply_patch(collection, collection_name(), hex(unknown.at("patchHex")), keys.lookup()));
  check_state(collection, unknown.at("stateAfter"));
}

TEST_CASE("a removal and a new value of the same index in one patch leave the new value") {
  const Keyring keys;
  const auto& both = all().at("removeThenSetSameIndex");
  auto collection = at_version(5);
  REQUIRE(apply_patch(collection, collection_name(), hex(both.at("patchHex")), keys.lookup()));
  check_state(collection, both.at("stateAfter"));
  CHECK(collection.values.at(digest(both.at("indexMacHex"))) == digest(both.at("addHex").as_array().at(0)));
}

TEST_CASE("a patch with anything wrong is refused and changes nothing") {
  const Keyring keys;
  const auto before = at_version(5);
  for (const auto& tampered : all().at("tamperedPatches").as_array()) {
    INFO(tampered.at("name").as_string());
    auto collection = before;
    const auto applied = apply_patch(collection, collection_name(), hex(tampered.at("patchHex")), keys.lookup());
    if (const auto* gateway = tampered.as_object().if_contains("gateway")) {
      REQUIRE(applied);
      std::vector<std::size_t> skipped, wanted;
      for (std::size_t i = 0; i < applied->size(); ++i) {
        if (!(*applied)[i].readable) skipped.push_back(i);
      }
      for (const auto& i : gateway->at("skippedMutations").as_array()) wanted.push_back(i.to_number<std::size_t>());
      CHECK(skipped == wanted);
      check_state(collection, gateway->at("stateAfter"));
      continue;
    }
    REQUIRE_FALSE(applied);
    CHECK(name(applied.error().code) == code_of(tampered.at("mustFailWith").as_string()));
    CHECK(collection.version == before.version);
    CHECK(collection.hash == before.hash);
    CHECK(collection.values == before.values);
  }
  const auto& wrong = all().at("wrongCollectionName");
  auto collection = before;
  const auto applied =
      apply_patch(collection, wrong.at("collection").as_string(), hex(wrong.at("patchHex")), keys.lookup());
  CHECK(applied.error().code == Errc::bad_mac);
}

TEST_CASE("a snapshot with anything wrong is refused and changes nothing") {
  const Keyring keys;
  for (const auto& tampered : all().at("tamperedSnapshots").as_array()) {
    INFO(tampered.at("name").as_string());
    AppStateCollection collection;
    const auto applied = apply_snapshot(collection, collection_name(), hex(tampered.at("snapshotHex")), keys.lookup());
    REQUIRE_FALSE(applied);
    CHECK(name(applied.error().code) == code_of(tampered.at("mustFailWith").as_string()));
    CHECK(collection.version == 0);
  }
}

TEST_CASE("an outgoing patch has the bytes of the vector") {
  const Keyring keys;
  const auto& outgoing = all().at("outgoingPatch");
  const auto key_id = hex(outgoing.at("keyIdHex"));
  std::vector<AppStateMutation> mutations;
  wharf::test::ScriptedRandom random;
  for (const auto& detail : outgoing.at("mutationDetail").as_array()) {
    const auto data = hex(detail.at("syncActionDataHex"));
    AppStateMutation mutation;
    mutation.index = std::string(detail.at("indexJson").as_string());
    // SyncActionData{index, value, padding "", version}: what stands between the index and the padding is the value.
    const std::size_t value_at = 2 + mutation.index.size() + 2;
    mutation.value = to_bytes(ByteView(data).subspan(value_at, data[value_at - 1]));
    mutation.version = data.back();
    mutations.push_back(std::move(mutation));
    random.push(hex(detail.at("ivHex")));
  }
  auto collection = at_version(8);
  const auto patch = build_patch(collection, collection_name(), mutations, {key_id, keys.keys.at(key_id), 3}, random);
  CHECK(to_hex(patch) == outgoing.at("patchHex").as_string());
  check_state(collection, outgoing.at("stateAfter"));
}

TEST_CASE("what is written is read again: snapshots, empty ones too, and files") {
  const Keyring keys;
  const auto& [key_id, expanded] = *keys.keys.begin();
  SeededRandom random(3);
  std::vector<AppStateMutation> records(1);
  records[0].index = R"(["setting_pushName"])";
  records[0].value = {0x3a, 0x02, 0x0a, 0x00};
  records[0].version = 1;
  for (const bool empty : {false, true}) {
    AppStateCollection written;
    written.version = 4;
    if (empty) records.clear();
    const auto blob = seal_blob(build_snapshot(written, "critical_block", records, {key_id, expanded}, random),
                                "/v/t62.7118-24/x.enc?ccb=1", random);
    const auto plain = open_blob(blob.reference, blob.encrypted);
    REQUIRE(plain);
    AppStateCollection read;
    const auto mutations = apply_snapshot(read, "critical_block", *plain, keys.lookup());
    REQUIRE(mutations);
    CHECK(read.version == 4);
    CHECK(read.hash == written.hash);
    REQUIRE(mutations->size() == records.size());
    if (!empty) CHECK((*mutations)[0].index == records[0].index);

    auto damaged = blob.encrypted;
    damaged[0] ^= 1;
    CHECK(open_blob(blob.reference, damaged).error().code == Errc::bad_mac);
  }
}

TEST_CASE("a hash that has diverged is let pass where that is asked for, until one fits; nothing else is") {
  const Keyring keys;
  const auto& [key_id, expanded] = *keys.keys.begin();
  const AppStateSigner signer{key_id, expanded, 1};
  SeededRandom random(3);
  std::vector<AppStateMutation> mutations(1);
  mutations[0].index = R"(["setting_pushName"])";
  mutations[0].version = 1;
  // Who signs has another hash.
  AppStateCollection theirs, ours;
  theirs.hash.add(Digest32{1});
  const auto patch = build_patch(theirs, "critical_block", mutations, signer, random);
  CHECK(apply_patch(ours, "critical_block", patch, keys.lookup()).error().code == Errc::bad_mac);
  CHECK(ours.version == 0);
  REQUIRE(apply_patch(ours, "critical_block", patch, keys.lookup(), {}, Mismatch::noted).has_value());
  CHECK(ours.version == 1);
  CHECK(ours.diverged);
  const auto second = build_patch(theirs, "critical_block", mutations, signer, random);
  auto forged = second;
  const auto mac = bytes_field(forged, 5);
  REQUIRE(mac);
  forged[static_cast<std::size_t>(mac->data() - forged.data())] ^= 1;
  CHECK(apply_patch(ours, "critical_block", forged, keys.lookup(), {}, Mismatch::noted).error().code == Errc::bad_mac);
  REQUIRE(apply_patch(ours, "critical_block", second, keys.lookup()).has_value());
  CHECK(ours.diverged);
  theirs.hash.subtract(Digest32{1});
  const auto third = build_patch(theirs, "critical_block", mutations, signer, random);
  REQUIRE(apply_patch(ours, "critical_block", third, keys.lookup()).has_value());
  CHECK_FALSE(ours.diverged);
  const auto needs = needs_of_patch(third);
  REQUIRE(needs.has_value());
  CHECK(needs->records == 1);
}
