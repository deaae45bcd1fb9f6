#pragma once
// Encrypts one message for every device that must get it: the recipient's and the own other ones. Knows when device
// lists or bundles are missing and fetches them. Specification 03 section 4.1.

#include <functional>
#include <string>
#include <vector>

#include "protocol/stanzas/messages.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class Fanout {
 public:
  Fanout(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// True when seal() can work now for this chat: lists known, a session or a known refusal for each device.
  bool prepared(const Jid& chat);
  /// Fetches what is missing; `done` runs in a later turn (or at once when nothing can be asked). `ok` false: the
  /// connection ended or the server refused; ask again later.
  void prepare(const Jid& chat, std::function<void(bool ok)> done);

  /// Encrypts and builds the stanza. Errors: not_found (no device of the recipient can be reached).
  Result<Node> seal(const Jid& chat, const std::string& message_id, ByteView content, ByteView secret);

  /// A session with one device exists (loads it). For retries too.
  bool has_session(const Jid& device);
  /// Builds sessions from bundles for these devices; `done` in a later turn.
  void fetch_sessions(std::vector<Jid> devices, bool identity_changed, std::function<void(bool ok)> done);
  /// Verifies and uses one bundle. Errors as start_session, and bad_signature of a device identity.
  Result<void> use_bundle(const Jid& device, const protocol::PreKeyBundle& bundle);

  protocol::LocalIdentity local() const;
  /// What the server or a bad bundle made unreachable in this connection is not asked for again and again.
  void end_turn(bool keep);
  void on_link_down() { unreachable_.clear(); }

 private:
  std::vector<Jid> targets(const Jid& chat);   // device JIDs, canonical; without this device
  std::vector<Jid> missing(const std::vector<Jid>& devices);

  Context& c_;
  Directory& directory_;
  std::map<Jid, UnixMs> unreachable_;          // device -> until when
};

}  // namespace wharf::sessions
