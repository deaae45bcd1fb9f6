#pragma once
// Internal to the control API: one request on its way through a handler, validated before, answered in the envelope.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_server.h"
#include "protocol/result.h"
#include "sandbox/media/media_host.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"
#include "web/validation.h"

namespace wharf::sandbox {

class Scripts;

struct ControlCall {
  Network& network;
  Phones& phones;
  const SandboxAddresses& addresses;
  const std::function<void(std::function<void()>)>& after_commit;  // of the ControlApi, which outlives the call
  std::vector<std::pair<std::string_view, std::string>> params;    // {names} of the route, decoded
  web::Query query;                                                // both validated
  boost::json::object body;
  std::string text;  // of a route with a text body
  net::Responder responder;
  MediaHost* media = nullptr;
  Scripts* scripts = nullptr;

  /// A path parameter of the route.
  const std::string& param(std::string_view name) const;
  /// A member of the body that is a phone number, as digits.
  std::string phone_number(std::string_view name) const;
  /// The name of the account with such a number; "" when nobody has it.
  std::string account(std::string_view name) const;
  /// The picture that is the member "data" of the body, base64 or a data URL; empty when that is null or absent.
  /// Nullopt: it was answered with 400.
  std::optional<Bytes> picture();

  void succeed(const boost::json::value& result, unsigned status = 200);
  void fail(unsigned status, std::string_view code, std::string message);
  /// 400 naming each bad field (501 when one is of a later build).
  void invalid(const std::vector<web::FieldProblem>& problems);
  /// The status that belongs to the code.
  void fail(const protocol::Error& error);

  void answer(net::HttpResponse response);
  /// The phone of the path, or 404 and nullptr.
  Phone* phone();
};
using ControlHandler = void (*)(ControlCall& call);

/// What is refused because of its fields.
net::HttpResponse refused_fields(const std::vector<web::FieldProblem>& problems);

// --- control_phones.cpp
void create_phone(ControlCall& call);
void list_phones(ControlCall& call);
void show_phone(ControlCall& call);
void scan_qr_text(ControlCall& call);
void scan(ControlCall& call);
void enter_code(ControlCall& call);
void unlink_companions(ControlCall& call);
void set_power(ControlCall& call);
void forget_sessions(ControlCall& call);
void corrupt_sessions(ControlCall& call);
void forget_sender_keys(ControlCall& call);
void reinstall(ControlCall& call);
void change_number(ControlCall& call);
void change_lid(ControlCall& call);
void set_account(ControlCall& call);
// --- control_people.cpp
void set_phone_picture(ControlCall& call);
void set_phone_about(ControlCall& call);
void set_phone_default_timer(ControlCall& call);
void set_phone_name(ControlCall& call);
void save_phone_contact(ControlCall& call);
void set_phone_presence(ControlCall& call);
void set_phone_privacy(ControlCall& call);
void set_phone_block(ControlCall& call);
void set_phone_watch(ControlCall& call);
void give_trust(ControlCall& call);
void list_phone_seen(ControlCall& call);
/// What the account shows of itself, beside what else is said of a phone.
void add_people_json(const ControlCall& call, const Phone& phone, boost::json::object& out);
// --- control_calls.cpp: calls between people, not of this API
void place_phone_call(ControlCall& call);
void list_phone_calls(ControlCall& call);
void cancel_phone_call(ControlCall& call);
void accept_phone_call(ControlCall& call);
void reject_phone_call(ControlCall& call);
// --- control_business.cpp
void set_phone_business(ControlCall& call);
// --- control_messages.cpp
void send_message(ControlCall& call);
void list_messages(ControlCall& call);
void show_message_media(ControlCall& call);
void mark_read(ControlCall& call);
void set_typing(ControlCall& call);
void set_deliver(ControlCall& call);
void set_auto_reply(ControlCall& call);
void set_auto_read(ControlCall& call);
void set_media_retry(ControlCall& call);
/// A message as the list of the phone shows it.
boost::json::object message_json(const Phone& phone, const PhoneMessage& message);
/// A file, written as text; of a validated object. `problem`: why it cannot be read.
PhoneMedia read_media(const boost::json::object& o, std::string& problem);
// --- control_statuses.cpp
void post_phone_status(ControlCall& call);
void list_phone_statuses(ControlCall& call);
void delete_phone_status(ControlCall& call);
void view_phone_status(ControlCall& call);
void set_phone_status_audience(ControlCall& call);
// --- control_groups.cpp
void create_group(ControlCall& call);
void list_groups(ControlCall& call);
void show_group(ControlCall& call);
void change_group_members(ControlCall& call);
void leave_group(ControlCall& call);
void set_group_subject(ControlCall& call);
void set_group_description(ControlCall& call);
void set_group_settings(ControlCall& call);
void set_group_picture(ControlCall& call);
// --- control_group_entry.cpp
void show_group_link(ControlCall& call);
void reset_group_link(ControlCall& call);
void join_group(ControlCall& call);
void list_group_requests(ControlCall& call);
void decide_group_requests(ControlCall& call);
void withdraw_group_request(ControlCall& call);
void list_sub_groups(ControlCall& call);
void link_sub_groups(ControlCall& call);
void unlink_sub_groups(ControlCall& call);
// --- control_channels.cpp
void create_channel(ControlCall& call);
void list_channels(ControlCall& call);
void show_channel(ControlCall& call);
void update_channel(ControlCall& call);
void set_channel_follower(ControlCall& call);
void post_to_channel(ControlCall& call);
void edit_post(ControlCall& call);
void delete_post(ControlCall& call);
void react_to_post(ControlCall& call);
// --- control_network.cpp
void show_network(ControlCall& call);
void show_faults(ControlCall& call);
void set_faults(ControlCall& call);
/// What is wrong with a body of set_faults.
void check_faults(const boost::json::object& body, std::vector<web::FieldProblem>& problems);
void release_faults(ControlCall& call);
void kick_device(ControlCall& call);
void show_stats(ControlCall& call);
void show_wire(ControlCall& call);
void advance_clock(ControlCall& call);
void drain_prekeys(ControlCall& call);
// --- control_media.cpp
void list_media(ControlCall& call);
void forget_media(ControlCall& call);
// --- control_script.cpp
void play_script(ControlCall& call);
void list_scripts(ControlCall& call);
void show_script(ControlCall& call);
void forget_script(ControlCall& call);

/// What a request wants of the media host's faults: the members "media", "forget_media", "expire_media" and
/// "expire_media_auth" of POST /faults. Read first, so that a request is refused whole.
struct MediaFaultChange {
  std::optional<std::vector<MediaFault>> rules;
  std::string forget, expire;  // direct paths or ids; "" for none
  bool expire_auth = false;
};
bool is_media_fault(std::string_view member);
MediaFaultChange read_media_faults(const boost::json::object& body, std::vector<web::FieldProblem>& problems);
/// False: answered with 404 (no such file) or 503 (no media host), and nothing was changed.
bool apply_media_faults(ControlCall& call, const MediaFaultChange& change);
boost::json::array media_faults_json(const ControlCall& call);
std::string_view media_fault_names();

}  // namespace wharf::sandbox
