#pragma once
// The types of the API as schemas: validation reads those of requests, the OpenAPI document all of them.

#include <span>
#include <string_view>

#include "api/validation.h"

namespace wharf::api::schemas {

// requests
extern const Schema create_session, update_session, session_config, pairing_code_request, send_text, send_location,
    send_contact, send_poll, send_event, send_group_invite, set_picture, send_image, send_file, send_audio, send_voice,
    send_video, send_sticker, send_any, forward, react, edit_message, revoke, vote, answer_event, pin_message,
    set_disappearing, star_message, set_presence, register_webhook, update_webhook, create_group, update_group,
    group_people, join_group, decide_requests, linked_groups;
// queries
extern const Schema qr_image_query, send_query, delete_message_query, page_query, picture_query, messages_query,
    search_query, events_query, event_stream_query, session_stream_query, deliveries_query, media_query, queue_query,
    group_query;
// answers
extern const Schema session, session_status, account, qr, pairing_code, sent_message, queued_message, starred_message,
    chat, message, poll_results, group, member_outcomes, created_group, updated_group, group_invite, picture,
    removed_picture, joined_group, left_group, join_request, group_statuses, event, webhook, delivery, delivery_outcome,
    queued_delivery, server_info, health;

// people and the own profile (schemas_people.cpp)
extern const Schema check_numbers, update_privacy, excluded_query, change_excluded, set_about, set_default_timer,
    show_presence, set_own_name, save_contact;
extern const Schema contacts_query, catalog_query;
extern const Schema contact, contact_details, checked_number, about, blocked, blocked_contact, business, product,
    privacy, own_about, default_timer, shown_presence, contact_presence, rejected_call, own_name, saved_contact;

// status posts (schemas_status.cpp)
extern const Schema post_status, status_posts_query, status_post, status_viewer, send_broadcast, broadcast_outcome;

// channels (schemas_channels.cpp)
extern const Schema create_channel, update_channel, post_in_channel, view_posts;
extern const Schema posts_query, post_updates_query;
extern const Schema channel, channel_post, channel_reaction, viewed_posts, watched_channel;

// what events tell (schemas_events.cpp)
extern const Schema call_data, presence_data, contact_updated_data, status_viewed_data;
struct EventData {
  std::string_view event, summary;
  const Schema* data;
  std::string_view example;  // JSON of `data`
};
/// Those kinds of events whose `data` has a schema.
std::span<const EventData> event_data();

}  // namespace wharf::api::schemas
