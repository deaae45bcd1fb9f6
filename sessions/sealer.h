#pragma once
// What the outbox (outbox.h) asks of WhatsApp: to make a message of a request, to encrypt it to the bytes that are
// stored and sent, and what an answer of the server means for it. All that goes over the boundary are rows, bytes and
// the verdicts below; of order, retries and limits this side knows nothing. Specification 03 sections 4.1, 4.8.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/messages/content.h"
#include "protocol/stanzas/ack.h"
#include "sessions/commands.h"
#include "sessions/composer.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/fanout.h"
#include "sessions/groups/group_fanout.h"
#include "storage/messages.h"

namespace wharf::sessions {

class Sealer {
 public:
  Sealer(Context& context, Directory& directory, TrustedTokens& tokens, Fanout& fanout, Groups& groups,
         GroupFanout& group_fanout, StatusAudiences& audiences)
      : c_(context),
        directory_(directory),
        tokens_(tokens),
        fanout_(fanout),
        groups_(groups),
        group_fanout_(group_fanout),
        audiences_(audiences),
        composer_(context, directory, fanout, groups) {}

  /// Errors: not_ready (no account is linked).
  Outcome<> can_send() const;
  /// Errors: not_implemented (chats of this kind), forbidden (a group that the account is not in, or where admins alone
  /// send, a community itself: Subject::group; a channel where it is no admin: Subject::chat), not_found (a group that
  /// is not known though all of the account's are: Subject::group).
  Outcome<> can_send_to(const Jid& chat) const;
  /// The canonical chat that a request is for: of what is about a message, the one that this lies in. Errors: not_found
  /// (that message).
  Outcome<Jid> chat_of(const SendMessage& request) const;
  /// The message that is asked for, as the row of a canonical chat, accepted now. Errors: as Composer.
  Outcome<storage::MessageRow> compose(const SendMessage& request, const Jid& chat) {
    return composer_.compose(request, chat);
  }

  /// A status post was accepted, for the audience that its request names, or the deletion of one.
  void open_audience(const SendMessage& request, const storage::MessageRow& message) {
    audiences_.open(message, request.audience);
  }

  /// The next message of the chat that is prepared and sealed: of status posts each has its own audience.
  void aim_at(const Jid& chat, const storage::MessageRow& message) { group_fanout_.aim_at(chat, message); }
  /// True when seal() can work now for this chat.
  bool prepared(const Jid& chat) {
    if (chat.is_channel()) return true;                            // posts are not encrypted
    if (chat.is_status() && audiences_.why_nobody()) return true;  // seal() says so
    return chat.has_sender_keys() ? group_fanout_.prepared(chat) : fanout_.prepared(chat);
  }
  /// What it was prepared for waits longer: what was asked for it may not hold by then.
  void put_off(const Jid& chat) {
    if (chat.is_status()) audiences_.doubt();
  }
  using Prepared = Fanout::Prepared;
  /// Fetches what is missing; `done` runs in a later turn, or at once when nothing can be asked.
  void prepare(const Jid& chat, std::function<void(Prepared)> done) {
    chat.has_sender_keys() ? group_fanout_.prepare(chat, std::move(done)) : fanout_.prepare(chat, std::move(done));
  }
  /// Why a message fails whose chat was prepared with Prepared::nobody.
  static const char* nobody(const Jid& chat) {
    return chat.is_group() ? "the account is not a member of the group" : "the recipient is not on WhatsApp";
  }

  /// The message encrypted for every device of the chat, as it is stored and sent. Errors: not_found (no device can be
  /// reached), too_large (more than a frame carries). On success the ratchets have advanced: the bytes are stored in
  /// this turn.
  /// `handle`: of the uploaded file of a post, "" without; of other chats it is not looked at.
  Result<Bytes> seal(const Jid& chat, const storage::MessageRow& message, ByteView handle = {});
  /// Errors: too_large. Sealed by a version that did not look, it would end every connection that it is sent on.
  static Result<void> sendable(ByteView sealed);
  /// The same message under another address of the recipient than the one that `sealed` was refused under, encrypted
  /// anew. nullopt: there is no other, or it cannot be sealed.
  std::optional<Bytes> readdress(const Jid& chat, const storage::MessageRow& message, ByteView sealed);
  /// The same message for the devices of the chat that `sealed` is not for; to a group, again for all, of whom those
  /// that had it drop it by its id. Errors: not_found (there are none, as when a member is gone, or none that
  /// can be reached, or the chat has another address by now), and as seal().
  Result<Bytes> seal_missed(const Jid& chat, const storage::MessageRow& message, ByteView sealed);
  /// What readdress() made was accepted: the next messages of this connection are addressed that way at once.
  void prefer_other_address() { fanout_.prefer_phone_numbers(); }

  // --- what the server's answer means
  struct Accepted {
    UnixMs at = 0;            // the server's time
    std::string device_hash;  // of all devices that the server knows of both ends; "" = those it was sealed for
  };
  struct Refused {
    std::string why;
    /// try_again: the same bytes may be accepted later. readdress: what readdress() gives may be. reseal: the message
    /// sealed anew, once prepared() is true again.
    enum class Remedy { none, try_again, readdress, reseal } remedy = Remedy::none;
  };
  /// Devices that the answer shows to be others than those it was sealed for.
  enum class Stale { none, recipient, recipient_and_own };
  struct Verdict {
    std::variant<Accepted, Refused> outcome;
    Stale stale = Stale::none;
  };
  Verdict judge(const protocol::Ack& ack) const;
  /// False: the server knows devices that `sealed` is not for, or no longer some that it is (03 sections 4.5, 4.8).
  bool reached_all(ByteView sealed, const Accepted& accepted) const;
  /// They are asked for before the next message to this chat is sealed. `counted`: what the server says that shows it,
  /// as its device hash. What is said again of a chat within the hour shows that the lists, asked for since, are
  /// counted otherwise than here for good (a companion whose account does not vouch for it), and asks for them no more;
  /// "": not bounded.
  void forget(Stale stale, const Jid& chat, const std::string& counted = {});
  /// The stanza was accepted, or will never be: of what went with it beside the message.
  void settle(const Jid& chat, const std::string& message_id, ByteView sealed, bool arrived);
  /// To how many a message of the chat goes, when receipts of each are counted; 0: they are not.
  std::uint32_t receivers(const Jid& chat, const std::string& message_id) {
    if (chat.is_status()) return audiences_.size(message_id);
    return chat.is_group() ? group_fanout_.others(chat) : 0;
  }

 private:
  struct Address {
    Jid to;
    std::vector<Jid> devices;
  };
  /// nullopt: `sealed` is no message stanza.
  static std::optional<Address> address_of(ByteView sealed);
  /// The id of the sender key that it is encrypted with; nullopt: it is none to a group.
  static std::optional<std::uint32_t> group_key_of(ByteView sealed);
  static Result<Bytes> as_payload(const Result<Node>& stanza);
  Result<Bytes> seal(const Jid& chat, const storage::MessageRow& message, Fanout::Addressing addressing,
                     const std::vector<Jid>& reached = {});
  /// Notes it.
  bool is_new_doubt(const Jid& chat, const std::string& counted);

  static constexpr std::chrono::hours doubt_again{1};
  static constexpr std::size_t most_doubts = 256;
  Context& c_;
  Directory& directory_;
  TrustedTokens& tokens_;
  Fanout& fanout_;
  Groups& groups_;
  GroupFanout& group_fanout_;
  StatusAudiences& audiences_;
  Composer composer_;
  std::map<std::pair<Jid, std::string>, net::SteadyTime> doubts_;  // chat and what was counted -> when it counts again
};

}  // namespace wharf::sessions
