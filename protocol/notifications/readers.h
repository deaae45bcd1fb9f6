#pragma once
// The parts of read_notification(), one for each subject. Not for others to include.

#include "protocol/notifications/notification.h"

namespace wharf::protocol::notifications {

/// What all parts have of a stanza that may be read.
struct Incoming {
  const Node& node;
  std::string type;
  Jid from;
  const NotificationReader& reader;
  UnixTime at;  // believable `t`

  bool from_server() const { return from.is_server(); }  // ours: the others are not read at all
  bool from_own() const { return reader.is_own(from); }
};
using Events = std::vector<NotificationEvent>;

void read_encrypt(const Incoming& in, Events& out);
void read_devices(const Incoming& in, Events& out);
void read_own_devices(const Incoming& in, const Node& devices, Events& out);
void read_server_sync(const Incoming& in, Events& out);
void read_account_sync(const Incoming& in, Events& out);
void read_picture(const Incoming& in, Events& out);
void read_about(const Incoming& in, Events& out);
void read_privacy_token(const Incoming& in, Events& out);
void read_contacts(const Incoming& in, Events& out);
void read_contact_timer(const Incoming& in, Events& out);
void read_media_retried(const Incoming& in, Events& out);
void read_channel(const Incoming& in, Events& out);
void read_mex(const Incoming& in, Events& out);
void read_business(const Incoming& in, Events& out);
void read_link_code(const Incoming& in, Events& out);
void read_companion_refresh(const Incoming& in, Events& out);
void read_registration(const Incoming& in, Events& out);

/// What is not understood of a known type: the whole of it, or one child.
void add_unknown(const Incoming& in, Events& out, std::string_view child = {});

/// A mex part of notification_stanza(): the operation and its JSON, nullopt for events of other types.
struct MexNotice {
  std::string operation, json;
};
std::optional<MexNotice> mex_notice(const NotificationEvent& event);

}  // namespace wharf::protocol::notifications
