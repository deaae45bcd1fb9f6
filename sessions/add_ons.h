#pragma once
// What is said about a message that is there already, or not yet: reactions, edits, revokes, votes, answers, pins; and
// about the chat: its disappearing timer. Each is kept as a row that no page shows (storage/messages.h, target_id),
// whoever sent it (but of the timer only what this account sends from here); what it does to the message is done in the
// same turn, and told; what an own edit or revoke does, when the server has it (outbox.h). One that comes before its
// message does it when that arrives. Reactions and edits that come sealed are opened with the secret of their message,
// once that is there, and are from then on what they would have been in clear. Specification 03 sections 5.5, 10
// and 11.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "protocol/messages/content.h"
#include "sessions/chat_timers.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/groups.h"
#include "storage/messages.h"

namespace wharf::sessions {

/// What nobody but us would know of if it never left (edit, revoke, pin, timer): it counts when the server has it, and
/// by the server's time.
bool changes_message(const storage::MessageRow& said);

class AddOns {
 public:
  AddOns(Context& context, Directory& directory, Groups& groups)
      : c_(context), directory_(directory), groups_(groups), timers_(context, directory) {}

  /// Whose message a key names, in the chat of `row`: the view of who sent it is turned into ours (03 section 9).
  bool names_own(const protocol::MessageKey& key, const storage::MessageRow& said_by) const;
  /// The key is of a message in a group that somebody else sent than the one of this id: it is not about it. Who is
  /// known by a number here and by a LID there may be one.
  bool names_another(const protocol::MessageKey& key, const storage::MessageRow& target) const;
  /// The same of what `said` is about by its target, where that is here.
  bool is_about_another(const protocol::MessageKey& key, const storage::MessageRow& said) const {
    const auto target = target_of(said);
    return target && names_another(key, *target);
  }
  /// `row` is stored, with its target set. What may not be done (the edit of another's message) is left
  /// undone: the row stays.
  void take_effect(const storage::MessageRow& row, const protocol::MessageBody& body);
  /// Something was said about this message before it came: on_arrived() has something to do.
  bool wanted(const storage::MessageRow& message) const;
  /// The target of `row` was deleted for everyone: what is said about it is not kept.
  bool is_about_revoked(const storage::MessageRow& row) const {
    const auto target = target_of(row);
    return target && target->revoked_at != 0;
  }
  /// The server has what was said here: what it changes (changes_message) changes now. Nothing for what is gone, or
  /// changes nothing.
  void on_at_server(const std::string& id);
  /// A message was stored in this turn: what was said about it before takes effect.
  void on_arrived(const storage::MessageRow& message);

 private:
  /// What is said about a message does it: but for reactions, which need not know it.
  void apply(const storage::MessageRow& row, const protocol::MessageBody& body, const storage::MessageRow& target);
  events::About about(const storage::MessageRow& row);
  void react(const storage::MessageRow& row, const protocol::Reaction& reaction);
  void edit(const storage::MessageRow& row, const protocol::Edit& edit, const storage::MessageRow& target);
  void revoke(const storage::MessageRow& row, const storage::MessageRow& target);
  /// In a group its admins may delete what others said (03 section 11).
  bool is_by_admin(const storage::MessageRow& row);
  void unseal(storage::MessageRow row, const protocol::Sealed& sealed, const storage::MessageRow& target);
  void answer(const storage::MessageRow& row, const protocol::EventAnswer& answer, const storage::MessageRow& event);
  /// What was sealed with the secret of `target`. Errors: bad_mac, malformed.
  protocol::Result<protocol::Bytes> opened(const storage::MessageRow& row, const storage::MessageRow& target,
                                           std::string_view use, protocol::ByteView payload, protocol::ByteView iv);
  void pin(const storage::MessageRow& row, const protocol::Pin& pin, const storage::MessageRow& target);
  void vote(const storage::MessageRow& row, const protocol::PollVote& vote, const storage::MessageRow& poll,
            const protocol::Poll& asked);
  /// nullopt: it cannot be opened, or chooses more than it may.
  std::optional<std::vector<std::string>> choices(const storage::MessageRow& row, const protocol::PollVote& vote,
                                                  const storage::MessageRow& poll, const protocol::Poll& asked);
  auto canonical_user() {
    return [this](const Jid& user) { return directory_.canonical_user(user); };
  }
  std::vector<Jid> canonical(const std::vector<Jid>& users);
  std::optional<storage::MessageRow> target_of(const storage::MessageRow& row) const;

  Context& c_;
  Directory& directory_;
  Groups& groups_;
  ChatTimers timers_;
};

}  // namespace wharf::sessions
