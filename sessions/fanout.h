#pragma once
// Encrypts one message for every device that must get it: the recipient's and the own other ones. Knows when device
// lists or bundles are missing and fetches them. Specification 03 section 4.1.

#include <functional>
#include <string>
#include <vector>

#include "protocol/stanzas/messages.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/people/trusted_tokens.h"

namespace wharf::sessions {

class Fanout {
 public:
  Fanout(Context& context, Directory& directory, TrustedTokens& tokens)
      : c_(context), directory_(directory), tokens_(tokens) {}

  /// True when seal() can work now for this chat: lists known, a session or a known refusal for each device.
  bool prepared(const Jid& chat);
  /// yes: everything asked for was answered; ask prepared() again. later: the connection ended, the server refused or
  /// told only a part. nobody: a fresh answer knows no device of the recipient, who is not on WhatsApp.
  enum class Prepared { yes, later, nobody };
  /// Fetches what is missing; `done` runs in a later turn (or at once when nothing can be asked).
  void prepare(const Jid& chat, std::function<void(Prepared)> done);

  /// The namespace that `to`, every <to jid>, destinationJid and the reporting token of one stanza share (03
  /// section 4.1 step 2): mixed ones are refused with 400. Sessions are filed under the LID whenever it is known, in
  /// both cases.
  enum class Addressing { lid, phone_number };
  /// LID when both sides have one and the account is not known to be refused under it.
  Addressing addressing(const Jid& chat);
  /// This account is not migrated to LIDs: a stanza under the LID was refused and the same one under the number was
  /// not.
  void prefer_phone_numbers() { prefer_phone_numbers_ = true; }

  /// The person as a stanza in this namespace names them; nullopt: no address of that kind is known.
  std::optional<Jid> user_on_wire(const Jid& canonical, Addressing addressing);

  /// Encrypts and builds the stanza. `reached`: devices, as stanzas name them, that have the message already; when
  /// there are any, it is only for the others, be they all our own. Errors: not_found (no device of the recipient can
  /// be reached, or it has no address of this kind), too_large (more than a frame can carry, found before any ratchet
  /// advanced).
  Result<Node> seal(const Jid& chat, const std::string& message_id, ByteView content, ByteView secret,
                    Addressing addressing, const std::vector<Jid>& reached = {});

  /// A session with one device exists (loads it). For retries too.
  bool has_session(const Jid& device);
  /// The server or a bad bundle made it so in this connection, a minute ago at most.
  bool is_unreachable(const Jid& device) const {
    const auto known = unreachable_.find(device);
    return known != unreachable_.end() && known->second > c_.now.steady;
  }
  void mark_unreachable(const Jid& device);
  /// Builds sessions from bundles for these devices, some a turn; `done` in a later turn.
  void fetch_sessions(std::vector<Jid> devices, bool identity_changed, std::function<void(bool ok)> done);
  /// The identity of our own phone comes from pairing alone: nothing that is received later may put another in its
  /// place.
  bool contradicts_pairing(const Jid& device, const protocol::PublicKey& identity);
  /// Verifies and uses one bundle. Errors as start_session, and bad_signature of a device identity or of our own phone.
  Result<void> use_bundle(const Jid& device, const protocol::PreKeyBundle& bundle);

  /// The identity that a device has shown: another one than before is told, of a main device.
  void set_identity(const Jid& device, const protocol::PublicKey& identity);

  protocol::LocalIdentity local() const;
  /// What the server or a bad bundle made unreachable in this connection is not asked for again and again.
  void end_turn(bool keep);
  std::size_t unreachable() const { return unreachable_.size(); }
  void on_link_down() {
    unreachable_.clear();
    prefer_phone_numbers_ = false;  // the migration may have happened meanwhile: one more refusal tells
  }

 private:
  std::vector<Jid> targets(const Jid& chat);  // device JIDs, canonical; without this device
  std::vector<Jid> missing(const std::vector<Jid>& devices);
  /// An answer with bundles, and how much of it is taken.
  struct Bundles {
    std::vector<protocol::FetchedBundle> fetched;
    std::size_t taken = 0;
    std::vector<Jid> open;  // asked for and not answered
    Jid own;                // whom it was for
  };
  void take_bundles(const std::shared_ptr<Bundles>& told, std::function<void(bool)> done);
  Context& c_;
  Directory& directory_;
  TrustedTokens& tokens_;
  std::map<Jid, net::SteadyTime> unreachable_;  // device -> until when
  bool prefer_phone_numbers_ = false;
};

}  // namespace wharf::sessions
