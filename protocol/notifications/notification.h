#pragma once
// <notification>: what it says and what it is answered with. Specification 05 sections 6 and 17.
//
// Every notification that can be answered is, understood or not, once what it says is durable: one without an ack comes
// back at every login. Nothing here fails: what is refused gives no event, what is not understood an
// UnknownNotification.

#include <optional>
#include <vector>

#include "protocol/notifications/events.h"

namespace wharf::protocol {

/// Who reads. The notification's sender is compared with it: what claims to be of the own account and is not changes
/// nothing.
struct NotificationReader {
  Jid own_pn, own_lid;  // with or without device; an empty own_lid is not known yet
  std::uint64_t unix_seconds = 0;

  bool is_own(const Jid& jid) const;
};

/// In the order of the stanza. One UnknownNotification for a stanza deeper than 16 levels or with over 1,000 children,
/// and for one of a server that is not ours. Empty for w:gp2, which is read with the groups, for what needs no act
/// (contacts add and remove), for what its sender may not say, and without id, from or type. Children of `account_sync`
/// and `business` each give their own events; then comes the push name.
std::vector<NotificationEvent> read_notification(const Node& notification, const NotificationReader& reader);

/// The answer in the web client's form (05 section 6.1): `participant` for w:gp2, mediaretry and psa only, no `type`
/// for encrypt and devices. nullopt without id or from: log and drop.
std::optional<Node> notification_ack(const Node& notification);

/// The network's side: a stanza that reads as `event`. `own` is the account it goes to. Pairing stages carry more than
/// an event says and are built elsewhere, and of a file that was uploaded again (protocol/media/media_retry.h) the
/// sealed part is taken as it is.
struct NotificationHeader {
  std::string id;
  std::uint64_t unix_seconds = 0;
  Jid own;
};
Node notification_stanza(const NotificationHeader& header, const NotificationEvent& event);

}  // namespace wharf::protocol
