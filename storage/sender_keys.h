#pragma once
// Sender keys of groups: those of others by which we read, the own one of each group by which we write, and where that
// one is or goes. Specification 03 section 2. Filed under the device of the session: a log-out leaves them behind.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "protocol/signal/session.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

// --- keys of others; `author` is the device JID that the key is filed under
std::optional<protocol::Bytes> find_sender_key(Database& db, SessionId session, const protocol::Jid& group,
                                               const protocol::Jid& author);
/// Those of every device of a user in the group, at most `most`.
std::vector<std::pair<protocol::Jid, protocol::Bytes>> sender_keys_of(Database& db, SessionId session,
                                                                      const protocol::Jid& group,
                                                                      const protocol::Jid& user, std::size_t most);
struct PutSenderKey {
  SessionId session;
  protocol::Jid group, author;
  protocol::Bytes record;
  friend bool operator==(const PutSenderKey&, const PutSenderKey&) = default;
};

// --- the own key
/// nullopt also of one of an earlier ratchet epoch (continuity.h): it would use message keys twice.
std::optional<protocol::Bytes> find_own_sender_key(Database& db, SessionId session, const protocol::Jid& group);
struct PutOwnSenderKey {
  SessionId session;
  protocol::Jid group;
  protocol::Bytes record;
  friend bool operator==(const PutOwnSenderKey&, const PutOwnSenderKey&) = default;
};
/// With all its copies: the next message makes another key.
struct DropOwnSenderKey {
  SessionId session;
  protocol::Jid group;
  friend bool operator==(const DropOwnSenderKey&, const DropOwnSenderKey&) = default;
};
/// The own account is not in the group any more: its keys go, those of others too.
struct ForgetGroupKeys {
  SessionId session;
  protocol::Jid group;
  friend bool operator==(const ForgetGroupKeys&, const ForgetGroupKeys&) = default;
};

/// The own key of a group, as it is for one device. ready: encrypted, and to go with the next message; sent: in the
/// stanza of a message that is not acknowledged yet; held: the device has it; again: it may have it, and gets it again.
/// A row stays until the key is another one: whoever has one and leaves the group would read on otherwise.
struct KeyCopy {
  enum class State : int { ready = 0, sent = 1, held = 2, again = 3 };
  protocol::Jid device;  // as its ratchet is filed
  State state = State::held;
  protocol::CiphertextKind kind = protocol::CiphertextKind::message;
  protocol::Bytes body;    // ready: the ciphertext
  std::string message_id;  // sent: of the message
  friend bool operator==(const KeyCopy&, const KeyCopy&) = default;
};
/// All of the group.
std::vector<KeyCopy> load_key_copies(Database& db, SessionId session, const protocol::Jid& group);
/// Replaces those of the same devices.
struct PutKeyCopies {
  SessionId session;
  protocol::Jid group;
  std::vector<KeyCopy> copies;
  friend bool operator==(const PutKeyCopies&, const PutKeyCopies&) = default;
};
/// Everything that is ready goes with this message.
struct SendKeyCopies {
  SessionId session;
  protocol::Jid group;
  std::string message_id;
  friend bool operator==(const SendKeyCopies&, const SendKeyCopies&) = default;
};
/// What went with this message is held; or, when nobody knows whether it arrived, to be given again.
struct SettleKeyCopies {
  SessionId session;
  protocol::Jid group;
  std::string message_id;
  bool arrived = true;
  friend bool operator==(const SettleKeyCopies&, const SettleKeyCopies&) = default;
};
/// These devices get it again, in every group: their keys are others, or they could not read with it. Without a device:
/// all of the user.
struct TakeKeyCopiesBack {
  SessionId session;
  protocol::Jid user;
  std::optional<protocol::Jid> group;  // in this one alone
  std::optional<std::uint16_t> device;
  friend bool operator==(const TakeKeyCopiesBack&, const TakeKeyCopiesBack&) = default;
};

/// A number's LID was learnt: what is filed under devices of user `from` is under those of `to`. A key that is there
/// already stays. Idempotent.
struct MoveSenderKeys {
  SessionId session;
  protocol::Jid from, to;
  friend bool operator==(const MoveSenderKeys&, const MoveSenderKeys&) = default;
};

}  // namespace wharf::storage
