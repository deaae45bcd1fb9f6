#pragma once
// The ratchets and identities one turn works on: committed rows plus what this turn changed. A few hot records stay
// between turns. What changed leaves only through flush(), into the rows of the turn: nothing evicts a step that is not
// stored, or the next message would use the same key again. After a failed commit the whole cache goes with its
// session, so that memory never runs ahead of the disk.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/signal/session.h"
#include "sessions/records.h"

namespace wharf::sessions {

class KeyCache {
 public:
  static constexpr std::size_t kept_records = 8;

  explicit KeyCache(Records& records) : rows_(records) {}

  /// nullptr when no record is stored. The pointer is valid until end_turn().
  protocol::SessionRecord* find(const Jid& device);
  /// Creates an empty record when none is stored.
  protocol::SessionRecord& open(const Jid& device);
  void mark_changed(const Jid& device);
  void remove(const Jid& device);

  std::optional<protocol::PublicKey> identity(const Jid& device);
  /// True when another key was stored before (trust on first use: it is replaced).
  bool set_identity(const Jid& device, const protocol::PublicKey& key);

  /// Own prekeys as a decryption sees them: consumed ones of this turn are gone.
  protocol::OwnPreKeys own_pre_keys();
  void consume_pre_key(protocol::PreKeyId id);

  /// Sessions and identities filed under the phone number move to the LID (02 section 9).
  void migrate(const Jid& pn_user, const Jid& lid_user);
  /// Everything of all devices of a user (identity change).
  void forget_user(const Jid& user);

  /// Writes what changed, into the rows of the turn.
  void flush();
  /// After the commit: keeps the most recent records only, or none when rest() asked for that. A change that was not
  /// flushed is a broken invariant (std::logic_error).
  void end_turn();
  /// Nothing is hot any more: the memory goes at the end of this turn, when everything is stored. Safe at any point of
  /// it.
  void rest() { resting_ = true; }
  std::size_t size() const { return records_.size(); }
  /// Forgets changes too: only where the same turn removes every row of keys of the session.
  void discard();

 private:
  struct Entry {
    std::optional<protocol::SessionRecord> record;  // nullopt: known to be absent
    bool changed = false;
    std::uint64_t used = 0;
  };
  Entry& entry(const Jid& device);
  std::optional<protocol::Bytes> load(const Jid& device);
  std::optional<protocol::PublicKey> stored_identity(std::size_t moves, const Jid& device);
  template <class Found>
  using Find = std::function<std::optional<Found>(const Jid& user)>;
  template <class Found>
  std::optional<Found> after_moves(std::size_t moves, const Jid& user, bool moved_wins, const Find<Found>& find) const;

  Records& rows_;
  std::map<Jid, Entry> records_;
  std::map<Jid, protocol::PublicKey> new_identities_;
  std::set<protocol::PreKeyId> consumed_;
  std::vector<std::pair<Jid, Jid>> migrated_;  // PN user -> LID user, of this turn, in order
  std::set<Jid> forgotten_;                    // users, this turn
  std::uint64_t clock_ = 0;
  bool resting_ = false;
};

}  // namespace wharf::sessions
