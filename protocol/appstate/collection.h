#pragma once
// App state (syncd): what the devices of one account keep in common. A collection is a set of encrypted records under a
// summation hash; snapshots give all of it, patches what changed. Both directions, no I/O: the simulated phones write
// with it, a client reads with it. Specification 04 sections 8.2 to 8.8.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/appstate/lt_hash.h"
#include "protocol/bytes.h"
#include "protocol/crypto/random.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// One AppStateSyncKey expanded.
struct AppStateKeys {
  Digest32 index{}, value_encryption{}, value_mac{}, snapshot_mac{}, patch_mac{};
  static AppStateKeys expand(ByteView key_data);
};
/// The keys of a key id; nullptr when the account's phone has not shared it.
using AppStateKeyring = std::function<const AppStateKeys*(ByteView key_id)>;

/// What a device stores of a collection besides its actions.
struct AppStateCollection {
  std::uint64_t version = 0;
  LtHash hash;
  std::map<Digest32, Digest32> values;  // index MAC -> value MAC of the record that is in the hash
  /// A snapshot MAC did not fit and was let pass: the hash is another one than that of who signs. Until one fits, none
  /// is asked to (04 section 8.7).
  bool diverged = false;
};

/// What comes of a snapshot MAC that does not fit while all that it stands on is signed: an error, or `diverged`.
enum class Mismatch : std::uint8_t { refused, noted };

/// One setting as it is written and read.
struct AppStateMutation {
  enum class Operation : std::uint8_t { set = 1, remove = 2 };  // as in the value MAC; on the wire 0 and 1
  Operation operation = Operation::set;
  std::string index;  // a JSON array of strings, without spaces: ["pin_v1","…@s.whatsapp.net"]
  Bytes value;        // SyncActionValue; may be empty in a removal
  std::int32_t version = 0;
  /// Reading: false when a fellow client wrote it wrongly under right MACs, an index of more than 16 strings too. It
  /// counts in the hash and does nothing.
  bool readable = true;
  /// Reading: the key of the record. Writing: a key other than the signer's, of a removal of what was written under
  /// that one (04 section 8.8 step 3); empty: the signer's.
  Bytes key_id = {};
  Digest32 index_mac{}, value_mac{};  // reading: of the record
};

/// Checks everything (structure, keys, MACs, the hash) and only then changes `collection`. `mutations`: of an external
/// blob (serialised SyncdMutations), empty when they are inline.
/// Errors: malformed, conflict (not the next version), invalid_key_id (a key is missing), bad_mac, refused (exit code).
Result<std::vector<AppStateMutation>> apply_patch(AppStateCollection& collection, std::string_view name, ByteView patch,
                                                  const AppStateKeyring& keys, ByteView mutations = {},
                                                  Mismatch mismatch = Mismatch::refused);
/// A decrypted SyncdSnapshot: replaces `collection`.
Result<std::vector<AppStateMutation>> apply_snapshot(AppStateCollection& collection, std::string_view name,
                                                     ByteView snapshot, const AppStateKeyring& keys,
                                                     Mismatch mismatch = Mismatch::refused);
/// The ExternalBlobReference a patch has instead of mutations; empty when they are inline.
Bytes external_mutations(ByteView patch);

/// What has to be at hand to apply a patch or a snapshot. Applying a patch looks at no other `values` of the collection
/// than those of `index_macs`, so that who keeps them in rows reads and writes these alone.
struct AppStateNeeds {
  std::vector<Bytes> key_ids;        // each once; at most max_keys_named
  std::vector<Digest32> index_macs;  // of a patch, in order; empty for a snapshot
  std::size_t records = 0;           // mutations of a patch, records of a snapshot
};
inline constexpr std::size_t max_keys_named = 1'000;
/// Errors: malformed, too_large (more keys).
Result<AppStateNeeds> needs_of_patch(ByteView patch, ByteView mutations = {});
Result<AppStateNeeds> needs_of_snapshot(ByteView snapshot);
/// The version that a patch says it leads to; nullopt: it names none.
std::optional<std::uint64_t> patch_version(ByteView patch);
/// Under which a record of this index is known when it is written with these keys.
Digest32 index_mac(const AppStateKeys& keys, std::string_view index);

/// The key that signs and encrypts what this device writes.
struct AppStateSigner {
  ByteView key_id;
  const AppStateKeys& keys;
  std::uint16_t device = 0;
};
/// A SyncdPatch without version, to be sent with collection.version as its base; `collection` becomes what it will be
/// when the server accepted it. `keys`: of those that mutations name themselves; one that is missing there leaves its
/// mutation out.
Bytes build_patch(AppStateCollection& collection, std::string_view name, const std::vector<AppStateMutation>& mutations,
                  const AppStateSigner& signer, Random& random, const AppStateKeyring& keys = {});
/// A SyncdSnapshot of exactly `records` at collection.version; `collection` becomes its state.
Bytes build_snapshot(AppStateCollection& collection, std::string_view name,
                     const std::vector<AppStateMutation>& records, const AppStateSigner& signer, Random& random);

/// A file as it stands on the media server, and the ExternalBlobReference that names and opens it (04 section 2.2).
struct AppStateBlob {
  Bytes encrypted;
  Bytes reference;
};
AppStateBlob seal_blob(ByteView plaintext, std::string_view direct_path, Random& random);
/// Where it stands; nullopt when the reference names no place.
struct AppStateBlobPlace {
  std::string direct_path;
  std::optional<Digest32> encrypted_sha256;
  std::uint64_t announced_bytes = 0;  // of what is in it, as somebody says; 0: nothing was said
};
std::optional<AppStateBlobPlace> place_of_blob(ByteView reference);
/// Errors: malformed, bad_mac (also of either SHA-256).
Result<Bytes> open_blob(ByteView reference, ByteView encrypted);

}  // namespace wharf::protocol
