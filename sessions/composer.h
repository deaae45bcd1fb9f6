#pragma once
// The message of a request: its Message protobuf, and the row that the outbox and the pages have of it. Specification
// 03 sections 4.1, 9 to 11.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/building.h"
#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/fanout.h"
#include "sessions/groups/groups.h"
#include "storage/messages.h"

namespace wharf::sessions {

class Composer {
 public:
  Composer(Context& context, Directory& directory, Fanout& fanout, Groups& groups)
      : c_(context), directory_(directory), fanout_(fanout), groups_(groups) {}

  /// A stored message, of either side; in this chat, or in any when it is empty. Errors: not_found (Subject::message).
  Outcome<storage::MessageRow> find(const std::string& id, const Jid& chat) const;
  /// Errors: not_found (the quoted message, or the one that it is about), unsupported (that cannot be said about it).
  Outcome<storage::MessageRow> compose(const SendMessage& request, const Jid& chat);

 private:
  struct Built {
    protocol::OutgoingMessage message;
    std::optional<protocol::Quote> quote;
    std::vector<Jid> mentions;
    std::optional<storage::MessageRow> target;
    bool about_chat = false;
    bool expires = false;  // the chat has a disappearing timer
  };
  Outcome<Built> build(const SendMessage& request, const Jid& chat);
  Outcome<Built> build_about(const Sendable& content, storage::MessageRow target);
  Outcome<protocol::MessageFrame> frame_of(const SendMessage& request, const Jid& chat) const;
  Outcome<protocol::Quote> quote_of(const Jid& chat, const std::string& id) const;
  /// A person as contents of messages of this chat name them: in a group by the names that its stanzas use.
  Jid named_in(const Jid& chat, const Jid& user) const;
  protocol::MessageKey key_of(const storage::MessageRow& target);
  protocol::MessageKey own_key(const std::string& id, const Jid& chat) const;
  Outcome<protocol::OutgoingMessage> build_vote(const Vote& vote, const storage::MessageRow& poll);
  Outcome<protocol::OutgoingMessage> build_answer(const AnswerEvent& answer, const storage::MessageRow& event);
  /// For those who have `target` and its secret of 32 bytes.
  protocol::SealedAddOn seal_about(const storage::MessageRow& target, std::string_view use, protocol::ByteView plain);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  Groups& groups_;
};

}  // namespace wharf::sessions
