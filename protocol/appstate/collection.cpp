// MACs and the summation hash are taken over the bytes as they came, so the messages are walked field by field instead
// of being parsed and written again.

#include "protocol/appstate/collection.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "protocol/appstate/index.h"
#include "protocol/crypto/aes.h"
#include "protocol/crypto/hmac_sha512.h"
#include "protocol/messages/wire.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

using Operation = AppStateMutation::Operation;

constexpr std::size_t iv_size = 16, mac_size = 32;
constexpr std::size_t max_records = 500'000;

/// SyncdRecord with its operation.
struct Record {
  Operation operation = Operation::set;
  Digest32 index_mac{};
  ByteView key_id;
  ByteView blob;  // iv, ciphertext, value MAC
  Digest32 value_mac{};
  ByteView sealed() const { return blob.first(blob.size() - mac_size); }
};

Bytes big_endian_64(std::uint64_t value) {
  return concat(big_endian(static_cast<std::uint32_t>(value >> 32), 4),
                big_endian(static_cast<std::uint32_t>(value), 4));
}

Digest32 value_mac_of(const AppStateKeys& keys, Operation operation, ByteView key_id, ByteView iv_and_ciphertext) {
  const std::array<std::uint8_t, 1> op = {static_cast<std::uint8_t>(operation)};
  const std::array<std::uint8_t, 8> length = {0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(key_id.size() + 1)};
  const auto mac = hmac_sha512(keys.value_mac, concat(op, key_id, iv_and_ciphertext, length));
  Digest32 out;
  std::copy_n(mac.begin(), out.size(), out.begin());
  return out;
}

Digest32 snapshot_mac_of(const AppStateKeys& keys, const AppStateCollection& collection, std::string_view name) {
  return hmac_sha256(keys.snapshot_mac,
                     concat(collection.hash.bytes(), big_endian_64(collection.version), as_bytes(name)));
}

Digest32 patch_mac_of(const AppStateKeys& keys, ByteView snapshot_mac, const std::vector<Record>& records,
                      std::uint64_t version, std::string_view name) {
  Bytes input = to_bytes(snapshot_mac);
  for (const auto& record : records) append(input, record.value_mac);
  append(input, big_endian_64(version));
  append(input, as_bytes(name));
  return hmac_sha256(keys.patch_mac, input);
}

// --- reading

Error malformed(std::string what) { return {Errc::malformed, "app state: " + std::move(what)}; }

Result<Record> record_of(ByteView record) {
  Record out;
  const auto index = bytes_field(record, 1), value = bytes_field(record, 2), key = bytes_field(record, 3);
  const auto index_mac = index ? bytes_field(*index, 1) : std::nullopt;
  const auto blob = value ? bytes_field(*value, 1) : std::nullopt;
  const auto key_id = key ? bytes_field(*key, 1) : std::nullopt;
  const auto digest = index_mac ? exactly<mac_size>(*index_mac) : std::nullopt;
  if (!digest || !blob || !key_id) return malformed("a record without index, value or key");
  if (blob->size() < iv_size + 16 + mac_size || blob->size() % 16 != 0) return malformed("a value of a wrong length");
  out.index_mac = *digest;
  out.blob = *blob;
  out.key_id = *key_id;
  out.value_mac = *exactly<mac_size>(blob->last(mac_size));
  return out;
}

/// The repeated sub-messages `number`, in order. nullopt: malformed.
std::optional<std::vector<ByteView>> repeated(ByteView message, std::uint32_t number) {
  std::vector<ByteView> out;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number != number || field->type != WireType::length) continue;
    if (out.size() == max_records) return std::nullopt;
    out.push_back(field->value);
  }
  if (reader.failed()) return std::nullopt;
  return out;
}

bool is_index(ByteView text) {
  return displayable(as_text(text)) == as_text(text) && !index_parts(as_text(text)).empty();
}

/// The records of mutations (SyncdMutation), whatever their MACs. Errors: malformed.
Result<std::vector<Record>> records_of(const std::vector<ByteView>& mutations) {
  std::vector<Record> records;
  std::set<std::pair<Operation, Digest32>> seen;
  for (const auto& mutation : mutations) {
    const auto operation = varint_field(mutation, 1).value_or(0);
    const auto body = bytes_field(mutation, 2);
    if (operation > 1 || !body) return malformed("a mutation of an unknown operation or without record");
    auto record = record_of(*body);
    if (!record) return record.error();
    record->operation = operation == 0 ? Operation::set : Operation::remove;
    if (!seen.emplace(record->operation, record->index_mac).second) return malformed("one index twice in a patch");
    records.push_back(*record);
  }
  return records;
}

/// The key that a patch (field 6) or a snapshot (field 4) is signed with.
std::optional<ByteView> signing_key(ByteView message, std::uint32_t number) {
  const auto key = bytes_field(message, number);
  return key ? bytes_field(*key, 1) : std::nullopt;
}

/// Errors: too_large.
Result<AppStateNeeds> needs(ByteView signer, const std::vector<Record>& records) {
  std::set<Bytes> keys = {to_bytes(signer)};
  AppStateNeeds out;
  out.records = records.size();
  for (const Record& record : records) {
    keys.insert(to_bytes(record.key_id));
    if (keys.size() > max_keys_named) return Error(Errc::too_large, "app state: too many keys");
    out.index_macs.push_back(record.index_mac);
  }
  out.key_ids.assign(keys.begin(), keys.end());
  return out;
}

/// Its own MACs are right: what it says. Errors: bad_mac.
Result<AppStateMutation> opened(const Record& record, const AppStateKeys& keys) {
  const auto mac = value_mac_of(keys, record.operation, record.key_id, record.sealed());
  if (!equal_constant_time(mac, record.value_mac)) return Error(Errc::bad_mac, "app state: value MAC");
  AppStateMutation out;
  out.operation = record.operation;
  out.readable = false;
  out.key_id = to_bytes(record.key_id);
  out.index_mac = record.index_mac;
  out.value_mac = record.value_mac;
  const auto plain = cbc_decrypt(keys.value_encryption, *exactly<iv_size>(record.blob.first(iv_size)),
                                 record.sealed().subspan(iv_size));
  if (!plain) return out;
  WireReader fields(*plain);
  while (fields.next()) {
  }
  const auto index = bytes_field(*plain, 1);
  if (fields.failed() || !index) return out;
  if (!equal_constant_time(hmac_sha256(keys.index, *index), record.index_mac))
    return Error(Errc::bad_mac, "app state: index MAC");
  if (!is_index(*index)) return out;
  out.index = std::string(as_text(*index));
  out.value = merged_field(*plain, 2).value_or(Bytes());
  out.version = static_cast<std::int32_t>(varint_field(*plain, 4).value_or(0));
  out.readable = true;
  return out;
}

Error missing_key(ByteView key_id) { return {Errc::invalid_key_id, "app state: no key " + to_hex(key_id)}; }

Result<std::vector<AppStateMutation>> open_all(const std::vector<Record>& records, const AppStateKeyring& keyring) {
  std::vector<AppStateMutation> out;
  out.reserve(records.size());
  for (const auto& record : records) {
    const auto* keys = keyring(record.key_id);
    if (!keys) return missing_key(record.key_id);
    auto mutation = opened(record, *keys);
    if (!mutation) return mutation.error();
    out.push_back(std::move(*mutation));
  }
  return out;
}

/// The changed collection. A removal takes what was stored before the patch; a SET of the same index stays (04 section
/// 8.6 rule 2).
void enter(AppStateCollection& collection, const std::vector<Record>& records) {
  std::set<Digest32> subtracted;
  const auto leave = [&](const Digest32& index_mac) {
    const auto known = collection.values.find(index_mac);
    if (known == collection.values.end() || !subtracted.insert(index_mac).second) return;
    collection.hash.subtract(known->second);
    collection.values.erase(known);
  };
  for (const auto& record : records) leave(record.index_mac);
  for (const auto& record : records) {
    if (record.operation == Operation::remove) continue;
    collection.hash.add(record.value_mac);
    collection.values[record.index_mac] = record.value_mac;
  }
}

std::optional<ByteView> mac_field(ByteView message, std::uint32_t number) {
  const auto mac = bytes_field(message, number);
  return mac && mac->size() == mac_size ? mac : std::nullopt;
}

/// Whether `next` may stand, whose snapshot MAC is `own` here and `signed_mac` there.
bool compare(AppStateCollection& next, const Digest32& own, ByteView signed_mac, Mismatch mismatch) {
  const bool fits = equal_constant_time(own, signed_mac);
  if (!fits && !next.diverged && mismatch == Mismatch::refused) return false;
  next.diverged = !fits;
  return true;
}

}  // namespace

AppStateKeys AppStateKeys::expand(ByteView key_data) {
  const auto expanded = hkdf_sha256<160>(key_data, {}, as_bytes("WhatsApp Mutation Keys"));
  AppStateKeys keys;
  auto* next = expanded.data();
  for (auto* part : {&keys.index, &keys.value_encryption, &keys.value_mac, &keys.snapshot_mac, &keys.patch_mac}) {
    std::copy_n(next, part->size(), part->begin());
    next += part->size();
  }
  return keys;
}

Bytes external_mutations(ByteView patch) {
  const auto reference = bytes_field(patch, 3);
  return reference ? to_bytes(*reference) : Bytes();
}

Result<std::vector<AppStateMutation>> apply_patch(AppStateCollection& collection, std::string_view name, ByteView patch,
                                                  const AppStateKeyring& keyring, ByteView external,
                                                  Mismatch mismatch) {
  if (const auto exit = merged_field(patch, 7); exit && varint_field(*exit, 1).value_or(0) != 0)
    return Error(Errc::refused, "app state: the patch ends the collection");
  const auto inline_mutations = repeated(patch, 2);
  if (!inline_mutations) return malformed("patch");
  const bool elsewhere = bytes_field(patch, 3).has_value();
  if (elsewhere && !inline_mutations->empty()) return malformed("mutations inline and in a file");
  const auto version_field = merged_field(patch, 1);
  const auto version = version_field ? varint_field(*version_field, 1) : std::nullopt;
  if (version.value_or(collection.version + 1) != collection.version + 1)
    return Error(Errc::conflict,
                 "app state: patch " + std::to_string(*version) + " on version " + std::to_string(collection.version));
  const auto snapshot_mac = mac_field(patch, 4), patch_mac = mac_field(patch, 5);
  const auto key_id = signing_key(patch, 6);
  if (!snapshot_mac || !patch_mac || !key_id) return malformed("a patch without MAC or key");

  const auto mutations = elsewhere ? repeated(external, 1) : inline_mutations;
  if (!mutations) return malformed("mutations");
  const auto read = records_of(*mutations);
  if (!read) return read.error();
  const std::vector<Record>& records = *read;
  const auto* keys = keyring(*key_id);
  if (!keys) return missing_key(*key_id);
  AppStateCollection next = collection;
  ++next.version;
  if (!equal_constant_time(patch_mac_of(*keys, *snapshot_mac, records, next.version, name), *patch_mac))
    return Error(Errc::bad_mac, "app state: patch MAC");
  auto opened_mutations = open_all(records, keyring);
  if (!opened_mutations) return opened_mutations;
  enter(next, records);
  if (!compare(next, snapshot_mac_of(*keys, next, name), *snapshot_mac, mismatch))
    return Error(Errc::bad_mac, "app state: snapshot MAC");
  collection = std::move(next);
  return opened_mutations;
}

Result<std::vector<AppStateMutation>> apply_snapshot(AppStateCollection& collection, std::string_view name,
                                                     ByteView snapshot, const AppStateKeyring& keyring,
                                                     Mismatch mismatch) {
  const auto bodies = repeated(snapshot, 2);
  const auto version = merged_field(snapshot, 1);
  const auto mac = mac_field(snapshot, 3);
  const auto key_id = signing_key(snapshot, 4);
  if (!bodies || !version || !mac || !key_id) return malformed("a snapshot without version, MAC or key");
  AppStateCollection next;
  next.version = varint_field(*version, 1).value_or(0);
  std::vector<Record> records;
  for (const auto& body : *bodies) {
    auto record = record_of(body);
    if (!record) return record.error();
    next.hash.add(record->value_mac);
    next.values[record->index_mac] = record->value_mac;
    records.push_back(*record);
  }
  const auto* keys = keyring(*key_id);
  if (!keys) return missing_key(*key_id);
  auto mutations = open_all(records, keyring);
  if (!mutations) return mutations;
  if (!compare(next, snapshot_mac_of(*keys, next, name), *mac, mismatch))
    return Error(Errc::bad_mac, "app state: snapshot MAC");
  collection = std::move(next);
  return mutations;
}

std::optional<std::uint64_t> patch_version(ByteView patch) {
  const auto version = merged_field(patch, 1);
  return version ? varint_field(*version, 1) : std::nullopt;
}

Result<AppStateNeeds> needs_of_patch(ByteView patch, ByteView external) {
  const auto mutations = repeated(bytes_field(patch, 3) ? external : patch, bytes_field(patch, 3) ? 1U : 2U);
  const auto signer = signing_key(patch, 6);
  if (!mutations || !signer) return malformed("patch");
  const auto records = records_of(*mutations);
  if (!records) return records.error();
  return needs(*signer, *records);
}

Result<AppStateNeeds> needs_of_snapshot(ByteView snapshot) {
  const auto bodies = repeated(snapshot, 2);
  const auto signer = signing_key(snapshot, 4);
  if (!bodies || !signer) return malformed("snapshot");
  std::vector<Record> records;
  for (const auto& body : *bodies) {
    auto record = record_of(body);
    if (!record) return record.error();
    records.push_back(*record);
  }
  auto out = needs(*signer, records);
  if (out) out->index_macs.clear();
  return out;
}

Digest32 index_mac(const AppStateKeys& keys, std::string_view index) {
  return hmac_sha256(keys.index, as_bytes(index));
}

// --- writing

namespace {

Bytes sub_message(std::uint32_t number, ByteView value) {
  Bytes out;
  append_field(out, number, value);
  return out;
}

void append_number(Bytes& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, std::uint64_t{number} << 3);
  append_varint(out, value);
}

/// A serialised SyncdRecord.
Bytes sealed_record(const AppStateMutation& mutation, const AppStateSigner& signer, Random& random) {
  Bytes data;
  append_field(data, 1, as_bytes(mutation.index));
  if (!mutation.value.empty()) append_field(data, 2, mutation.value);
  append_field(data, 3, {});  // padding: present and empty
  append_number(data, 4, static_cast<std::uint32_t>(mutation.version));
  const auto iv = random.bytes<iv_size>();
  Bytes blob = concat(iv, cbc_encrypt(signer.keys.value_encryption, iv, data));
  append(blob, value_mac_of(signer.keys, mutation.operation, signer.key_id, blob));
  Bytes record;
  append_field(record, 1, sub_message(1, hmac_sha256(signer.keys.index, as_bytes(mutation.index))));
  append_field(record, 2, sub_message(1, blob));
  append_field(record, 3, sub_message(1, signer.key_id));
  return record;
}

/// Of a record made here.
Record own_record(ByteView bytes, Operation operation) {
  Record record = record_of(bytes).value();
  record.operation = operation;
  return record;
}

}  // namespace

Bytes build_patch(AppStateCollection& collection, std::string_view name, const std::vector<AppStateMutation>& mutations,
                  const AppStateSigner& signer, Random& random, const AppStateKeyring& keyring) {
  Bytes patch;
  std::vector<Bytes> bodies;
  bodies.reserve(mutations.size());  // the records view them
  std::vector<Record> records;
  for (const auto& mutation : mutations) {
    const auto* other = mutation.key_id.empty() || !keyring ? nullptr : keyring(mutation.key_id);
    if (!mutation.key_id.empty() && other == nullptr) continue;
    const AppStateSigner own{mutation.key_id, other != nullptr ? *other : signer.keys, signer.device};
    bodies.push_back(sealed_record(mutation, other != nullptr ? own : signer, random));
    records.push_back(own_record(bodies.back(), mutation.operation));
    Bytes wrapped;
    append_number(wrapped, 1, mutation.operation == Operation::set ? 0 : 1);
    append_field(wrapped, 2, bodies.back());
    append_field(patch, 2, wrapped);
  }
  ++collection.version;
  enter(collection, records);
  const auto snapshot_mac = snapshot_mac_of(signer.keys, collection, name);
  append_field(patch, 4, snapshot_mac);
  append_field(patch, 5, patch_mac_of(signer.keys, snapshot_mac, records, collection.version, name));
  append_field(patch, 6, sub_message(1, signer.key_id));
  append_number(patch, 8, signer.device);
  return patch;
}

Bytes build_snapshot(AppStateCollection& collection, std::string_view name,
                     const std::vector<AppStateMutation>& records, const AppStateSigner& signer, Random& random) {
  collection.hash = {};
  collection.values.clear();
  Bytes version, snapshot;
  append_number(version, 1, collection.version);
  append_field(snapshot, 1, version);
  for (const auto& mutation : records) {
    const Bytes body = sealed_record(mutation, signer, random);
    enter(collection, {own_record(body, Operation::set)});
    append_field(snapshot, 2, body);
  }
  append_field(snapshot, 3, snapshot_mac_of(signer.keys, collection, name));
  append_field(snapshot, 4, sub_message(1, signer.key_id));
  return snapshot;
}

// --- files

namespace {

constexpr std::size_t file_mac_size = 10;

struct FileKeys {
  BlockIv iv{};
  AesKey cipher{};
  Digest32 mac{};
};

FileKeys file_keys(ByteView media_key) {
  const auto expanded = hkdf_sha256<80>(media_key, {}, as_bytes("WhatsApp App State Keys"));
  FileKeys keys;
  std::copy_n(expanded.begin(), 16, keys.iv.begin());
  std::copy_n(expanded.begin() + 16, 32, keys.cipher.begin());
  std::copy_n(expanded.begin() + 48, 32, keys.mac.begin());
  return keys;
}

Digest32 file_mac(const FileKeys& keys, ByteView ciphertext) {
  return hmac_sha256(keys.mac, concat(keys.iv, ciphertext));
}

}  // namespace

AppStateBlob seal_blob(ByteView plaintext, std::string_view direct_path, Random& random) {
  const auto media_key = random.bytes<32>();
  const auto keys = file_keys(media_key);
  AppStateBlob blob;
  blob.encrypted = cbc_encrypt(keys.cipher, keys.iv, plaintext);
  const auto mac = file_mac(keys, blob.encrypted);
  append(blob.encrypted, ByteView(mac).first(file_mac_size));
  append_field(blob.reference, 1, media_key);
  append_field(blob.reference, 2, as_bytes(direct_path));
  append_number(blob.reference, 4, plaintext.size());
  append_field(blob.reference, 5, sha256(plaintext));
  append_field(blob.reference, 6, sha256(blob.encrypted));
  return blob;
}

std::optional<AppStateBlobPlace> place_of_blob(ByteView reference) {
  const auto path = bytes_field(reference, 2);
  if (!path || path->empty() || path->size() > 4096) return std::nullopt;
  AppStateBlobPlace place;
  place.direct_path = std::string(as_text(*path));
  if (const auto hash = bytes_field(reference, 6)) place.encrypted_sha256 = exactly<32>(*hash);
  place.announced_bytes = varint_field(reference, 4).value_or(0);
  return place;
}

Result<Bytes> open_blob(ByteView reference, ByteView encrypted) {
  const auto media_key = bytes_field(reference, 1), plain_hash = bytes_field(reference, 5);
  const auto file_hash = bytes_field(reference, 6);
  if (!media_key || media_key->size() != 32 || encrypted.size() < file_mac_size) return malformed("blob reference");
  if (file_hash && !equal(*file_hash, sha256(encrypted))) return Error(Errc::bad_mac, "app state: hash of the file");
  const auto keys = file_keys(*media_key);
  const auto ciphertext = encrypted.first(encrypted.size() - file_mac_size);
  if (!equal_constant_time(ByteView(file_mac(keys, ciphertext)).first(file_mac_size), encrypted.last(file_mac_size)))
    return Error(Errc::bad_mac, "app state: MAC of the file");
  auto plain = cbc_decrypt(keys.cipher, keys.iv, ciphertext);
  if (!plain) return plain;
  if (plain_hash && !equal(*plain_hash, sha256(*plain))) return Error(Errc::bad_mac, "app state: hash of the contents");
  return plain;
}

}  // namespace wharf::protocol
