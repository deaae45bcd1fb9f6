#include "protocol/notifications/notification.h"

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/attr_copy.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

using notifications::Events;
using notifications::Incoming;

constexpr std::size_t max_type_bytes = 64;

struct Route {
  std::string_view type;
  void (*read)(const Incoming&, Events&);
};
constexpr Route routes[] = {
    {"encrypt", notifications::read_encrypt},
    {"devices", notifications::read_devices},
    {"account_sync", notifications::read_account_sync},
    {"server_sync", notifications::read_server_sync},
    {"picture", notifications::read_picture},
    {"status", notifications::read_about},
    {"privacy_token", notifications::read_privacy_token},
    {"contacts", notifications::read_contacts},
    {"disappearing_mode", notifications::read_contact_timer},
    {"mediaretry", notifications::read_media_retried},
    {"newsletter", notifications::read_channel},
    {"mex", notifications::read_mex},
    {"business", notifications::read_business},
    {"link_code_companion_reg", notifications::read_link_code},
    {"companion_reg_refresh", notifications::read_companion_refresh},
    {"registration", notifications::read_registration},
};

bool answerable(const Node& stanza) { return !stanza.attr("id").empty() && !stanza.attr("from").empty(); }

}  // namespace

bool NotificationReader::is_own(const Jid& jid) const {
  if (jid.user.empty()) return false;
  const Jid user = jid.user_jid();
  return user == own_pn.user_jid() || user == own_lid.user_jid();
}

std::vector<NotificationEvent> read_notification(const Node& notification, const NotificationReader& reader) {
  Events events;
  const auto from = notification.jid("from");
  const std::string type = notification.attr("type");
  if (!notification.is("notification") || !answerable(notification) || !from || type.empty() || type == "w:gp2")
    return events;
  const Incoming in{notification, display_line(type, max_type_bytes), *from, reader,
                    time_attr(notification, "t", reader.unix_seconds)};
  // Another server than ours (g.us, newsletter) has nothing to say by itself: what it would be about is nobody.
  const bool readable = (*from == server_jid() || !from->is_server()) && within_rows(notification) &&
                        !deeper_than(notification, max_nesting);
  for (const Route& route : routes) {
    if (route.type != type || !readable) continue;
    route.read(in, events);
    return events;
  }
  notifications::add_unknown(in, events);
  return events;
}

std::optional<Node> notification_ack(const Node& notification) {
  if (!notification.is("notification") || !answerable(notification)) return std::nullopt;
  const std::string type = notification.attr("type");
  Node ack("ack");
  copy_attr(ack, notification, "id");
  copy_attr(ack, "to", notification, "from");
  ack.set("class", "notification");
  if (type == "w:gp2" || type == "mediaretry" || type == "psa") copy_attr(ack, notification, "participant");
  if (type != "encrypt" && type != "devices") copy_attr(ack, notification, "type");
  return ack;
}

bool is_internal(const NotificationEvent& event) {
  return std::holds_alternative<PreKeysLow>(event) || std::holds_alternative<KeyDigestAsked>(event) ||
         std::holds_alternative<DeviceListChanged>(event) || std::holds_alternative<AppStateMoved>(event) ||
         std::holds_alternative<TrustedTokenReceived>(event) || std::holds_alternative<MediaRetried>(event) ||
         std::holds_alternative<PairingStep>(event) || std::holds_alternative<AdvRotationAsked>(event);
}

namespace notifications {

void add_unknown(const Incoming& in, Events& out, std::string_view child) {
  out.push_back(UnknownNotification{in.type, std::nullopt, display_line(child, max_type_bytes)});
}

void read_media_retried(const Incoming& in, Events& out) {
  if (!in.from_own() && !in.from_server()) return;
  auto answer = read_media_retry_notification(in.node);
  if (answer) out.push_back(MediaRetried{std::move(*answer)});
}

void read_link_code(const Incoming& in, Events& out) {
  const Node* step = in.node.child("link_code_companion_reg");
  if (!in.from_server() || step == nullptr) return;
  out.push_back(PairingStep{line_attr(*step, "stage", max_type_bytes)});
}

void read_companion_refresh(const Incoming& in, Events& out) {
  const bool known =
      in.node.child("companion_reg_refresh") != nullptr || in.node.child("pair-device-rotate-qr") != nullptr;
  if (in.from_server() && known) out.push_back(AdvRotationAsked{});
}

void read_registration(const Incoming& in, Events& out) {
  if (!in.from_server()) return;
  for (const Node& child : in.node.children()) {
    if (child.is("wa_old_registration")) {
      out.push_back(RegistrationCodeAsked{line_attr(child, "code", 64), child.number("expiry_t"),
                                          line_attr(child, "device_id", 256)});
    } else if (child.is("device_logout")) {
      out.push_back(TakeoverAttempted{line_attr(child, "device", 256), line_attr(child, "new_device_platform", 64),
                                      time_attr(child, "t", in.reader.unix_seconds)});
    } else {
      add_unknown(in, out, child.tag);
    }
  }
}

}  // namespace notifications

}  // namespace wharf::protocol
