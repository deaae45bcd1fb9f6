// What a server says beside messages. The first byte of the input chooses: a notification, a call, an answer or request
// to any of the account's readers (all three as encoded nodes), the JSON of a mex notice or answer, the variables of a
// mex request. Beyond "no crash": what is told is displayable and bounded, writes and reads again, and JSON is a fixed
// point.

#include <array>
#include <cstdlib>

#include "protocol/account/pictures.h"
#include "protocol/account/presence.h"
#include "protocol/account/privacy.h"
#include "protocol/account/profile.h"
#include "protocol/account/profile_query.h"
#include "protocol/account/status_audience.h"
#include "protocol/account/terms.h"
#include "protocol/account/trusted_tokens.h"
#include "protocol/business/catalog.h"
#include "protocol/business/profile.h"
#include "protocol/calls/ongoing_calls.h"
#include "protocol/channels/operations.h"
#include "protocol/channels/posts.h"
#include "protocol/notifications/notification.h"
#include "protocol/stanzas/iq.h"
#include "protocol/text.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;
const Jid own_pn("15550000001", server::user, 7), own_lid("900000000000001", server::lid, 7);
const NotificationReader reader{own_pn, own_lid, now};

void require(bool holds) {
  if (!holds) std::abort();
}
void require_text(const std::string& text) { require(displayable(text) == text && text.size() <= 8192); }

void notification(const Node& node) {
  const auto ack = notification_ack(node);
  const auto events = read_notification(node, reader);
  require(events.empty() || ack);
  for (const NotificationEvent& event : events) {
    (void)is_internal(event);
    if (const auto* about = std::get_if<AboutChanged>(&event)) require_text(about->about.value_or(""));
    if (const auto* unknown = std::get_if<UnknownNotification>(&event)) require_text(unknown->type);
    if (const auto* name = std::get_if<OwnPushNameChanged>(&event)) require_text(name->name);
    const Node again = notification_stanza({"n-1", now, own_pn.user_jid()}, event);
    require(notification_ack(again).has_value());
    require(read_notification(again, reader).size() <= 1);
  }
}

void call(const Node& node) {
  const auto answer = call_answer(node, own_pn, own_lid);
  const auto event = read_call(node, now);
  require(!event || answer);
  OngoingCalls calls;
  if (!event) return;
  calls.follow(*event, now);
  if (std::holds_alternative<UnknownCall>(*event)) return;
  const auto again = read_call(call_stanza("c-1", *event), now);
  require(again && again->index() == event->index());
  if (const auto* offer = std::get_if<CallOffered>(&*event)) (void)may_reject(*offer, now);
}

void answers_and_requests(const Node& node) {
  PictureQuery picture;
  picture.known_id = "1";
  (void)read_picture_answer(node, picture);
  (void)read_picture_query(node);
  (void)read_picture_set(node);
  (void)read_picture_change(node);
  (void)read_about_change(node);
  (void)read_default_timer_change(node);
  if (const auto profiles = read_profiles(node)) {
    for (const Profile& profile : profiles->users)
      if (profile.about) require_text(profile.about->text);
  }
  (void)read_profile_query(node);
  (void)read_privacy(node);
  (void)read_privacy_change(node);
  (void)read_exclusion_list(node);
  if (const auto change = read_exclusions_change(node))
    require(read_exclusions_change(change_exclusions_iq("1", *change)).has_value());
  (void)read_block_list(node);
  if (const auto change = read_block_change(node)) require(read_block_change(block_iq("1", *change)).has_value());
  (void)read_token_issues(node);
  if (const auto seen = read_presence(node, now)) require(read_presence(presence_stanza(*seen), now).has_value());
  (void)read_presence_request(node);
  (void)read_chat_state(node);
  (void)read_chat_state_request(node);
  (void)read_terms(node);
  (void)read_terms_request(node);
  (void)read_status_audience(node);
  if (const auto profiles = read_business_profiles(node)) {
    const Node again = business_profile_answer(Node("iq").set("id", "1"), *profiles);
    require(read_business_profiles(again).value() == *profiles);
  }
  (void)read_business_profile_query(node);
  (void)read_verified_name_answer(node);
  if (const auto page = read_catalog(node)) {
    for (const Product& product : page->products) require_text(product.description);
  }
  (void)read_catalog_query(node);
  (void)read_collections(node);
  (void)read_collections_query(node);
  (void)read_channel_history(node, now);
  (void)read_channel_updates(node, now);
  (void)read_channel_live(node);
  (void)read_channel_post(node, now);
  (void)read_channel_history_query(node);
  (void)read_channel_updates_query(node);
  if (const auto send = read_channel_message(node))
    require(read_channel_message(channel_message("1", Jid("1", server::newsletter), *send)) == send);
  (void)read_channel_view_receipt(node);
  (void)read_call_link(node, CallMedia::audio);
  (void)read_call_link_request(node);
  (void)read_call_reject(node);
  (void)read_mex_query(node);
}

void mex_notice(ByteView input) {
  static constexpr std::array<std::string_view, 10> operations = {"NotificationUserReachoutTimelockUpdate",
                                                                  "MessageCappingInfoNotification",
                                                                  "NotificationNewsletterJoin",
                                                                  "NotificationNewsletterUserSettingChange",
                                                                  "NotificationNewsletterUpdate",
                                                                  "LidChangeNotification",
                                                                  "UsernameSetNotification",
                                                                  "AccountSyncUsernameNotification",
                                                                  "TextStatusUpdateNotification",
                                                                  "Unknown"};
  if (input.empty()) return;
  const std::size_t which = input[0] % (operations.size() + 1);
  const ByteView text = input.subspan(1);
  Node stanza("notification");
  stanza.set("id", "1").set("type", "mex").set("from", server_jid());
  if (which == operations.size()) stanza.add(Node("mex").bytes(text));
  else stanza.add(Node("update").set("op_name", operations[which]).bytes(text));
  require(!read_notification(stanza, reader).empty());
  notification(stanza);
}

void mex_answer_text(ByteView text) {
  if (const auto json = parse_json(text, mex_limits)) {
    const std::string written = write_json(*json);
    const auto again = parse_json(as_bytes(written), mex_limits);
    // What is written may be longer (escapes), never different.
    require(again ? write_json(*again) == written : again.error().code == Errc::too_large);
  }
  const Node answer = Node("iq").set("type", "result").add(Node("result").bytes(text));
  (void)read_mex_answer(answer);
  if (const auto metadata = read_channel_answer(answer)) {
    require_text(metadata->description);
    require(read_channel_metadata(channel_metadata_json(*metadata)) == *metadata);
  }
  (void)read_channels_answer(answer);
  (void)read_restriction_answer(answer, now);
  (void)read_quota_answer(answer);
}

void mex_request(ByteView input) {
  static constexpr std::array<std::string_view, 16> operations = {"CreateNewsletter",
                                                                  "UpdateNewsletter",
                                                                  "FetchNewsletter",
                                                                  "FetchAllNewslettersMetadata",
                                                                  "JoinNewsletter",
                                                                  "UpdateNewsletterUserSetting",
                                                                  "FetchNewsletterFollowers",
                                                                  "ChangeNewsletterOwner",
                                                                  "FetchNewsletterPendingInvites",
                                                                  "FetchNewsletterDirectoryList",
                                                                  "FetchSimilarNewsletters",
                                                                  "FetchNewsletterMessageReactionSenderList",
                                                                  "FetchNewsletterPollVoters",
                                                                  "FetchNewsletterInsights",
                                                                  "NewsletterPinMessages",
                                                                  "UpdateTextStatus"};
  if (input.empty()) return;
  auto variables = parse_json(input.subspan(1), mex_limits);
  if (!variables) return;
  const MexRequest request{std::string(operations[input[0] % operations.size()]), std::move(*variables)};
  (void)read_text_status_request(request);
  const auto operation = read_channel_request(request);
  if (operation) require(read_channel_request(channel_request(*operation)) == operation);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  const unsigned which = data[0] % 6;
  if (which == 3) return mex_notice(input), 0;
  if (which == 4) return mex_answer_text(input), 0;
  if (which == 5) return mex_request(input), 0;
  NodeLimits limits;
  limits.max_inflated_bytes = 1 << 20;
  limits.max_nodes = 20'000;
  const Result<Node> node = decode_node(input, limits);
  if (!node) return 0;
  if (which == 0) notification(*node);
  if (which == 1) call(*node);
  if (which == 2) answers_and_requests(*node);
  return 0;
}
