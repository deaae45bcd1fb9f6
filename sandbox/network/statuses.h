#pragma once
// Status posts on their way: status@broadcast as a group whose members are the audience that each stanza names, so that
// what routes messages and receipts of groups routes theirs. And whom each account has chosen, which its companions ask
// for. Specification 06 section 8.1, 05 section 10.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/account/status_audience.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/groups/group.h"
#include "sandbox/network/message_answers.h"

namespace wharf::sandbox {

/// The audience of a message to status@broadcast: whom its participants name, and the sender; of a resend whom it is
/// for. Numbers that nobody has are left out.
Group audience_of(const Accounts& accounts, const Origin& origin, const Node& message);
/// Of a receipt: the one who sends it.
Group audience_of(const Origin& origin);
/// What makes a stanza one that the server does not take there (05 section 10 item 2).
std::optional<MessageRefusal> refused_status(const Node& message);

class Statuses {
 public:
  explicit Statuses(NetworkContext& context, const Accounts& accounts) : c_(context), accounts_(accounts) {}

  /// `users` by number.
  void set(const std::string& phone, protocol::StatusAudience audience);
  /// The contacts, of an account that has chosen nothing.
  const protocol::StatusAudience& of(std::string_view phone) const;
  void on_iq(const Origin& origin, const Node& iq) const;

  // --- row: status_audience
  std::optional<Bytes> row(std::string_view phone) const;
  void restore(const std::string& phone, ByteView row);

 private:
  NetworkContext& c_;
  const Accounts& accounts_;
  std::map<std::string, protocol::StatusAudience, std::less<>> chosen_;  // by phone
};

}  // namespace wharf::sandbox
