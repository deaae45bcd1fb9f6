#pragma once
// The handlers of the routing table, by file.

#include "api/services.h"

namespace wharf::api {

struct NamedMessage;  // sending.h

#define WHARF_HANDLER(name) void name(const ServicesPtr& services, const CallPtr& call)

// session_routes.cpp
WHARF_HANDLER(create_session);
WHARF_HANDLER(list_sessions);
WHARF_HANDLER(get_session);
WHARF_HANDLER(update_session);
WHARF_HANDLER(remove_session);
WHARF_HANDLER(get_session_status);
WHARF_HANDLER(get_qr);
WHARF_HANDLER(get_qr_image);
WHARF_HANDLER(request_pairing_code);
WHARF_HANDLER(start_session);
WHARF_HANDLER(stop_session);
WHARF_HANDLER(restart_session);
WHARF_HANDLER(logout_session);
WHARF_HANDLER(get_me);

// send_routes.cpp
WHARF_HANDLER(send_text);
WHARF_HANDLER(send_location);
WHARF_HANDLER(send_contact);
WHARF_HANDLER(send_poll);
WHARF_HANDLER(send_event);
WHARF_HANDLER(send_group_invite);
WHARF_HANDLER(send_any);
WHARF_HANDLER(forward_message);
WHARF_HANDLER(react_to_message);
WHARF_HANDLER(edit_message);
WHARF_HANDLER(delete_message);
WHARF_HANDLER(vote_in_poll);
WHARF_HANDLER(answer_event);
WHARF_HANDLER(pin_message);

// message_settings_routes.cpp
WHARF_HANDLER(set_disappearing);
WHARF_HANDLER(star_message);
void remove_message(const ServicesPtr& services, const CallPtr& call, NamedMessage named);

// media_routes.cpp
WHARF_HANDLER(send_image);
WHARF_HANDLER(send_file);
WHARF_HANDLER(send_audio);
WHARF_HANDLER(send_video);
WHARF_HANDLER(send_voice);
WHARF_HANDLER(send_sticker);
WHARF_HANDLER(get_media);
WHARF_HANDLER(get_post_media);

// queue_routes.cpp
WHARF_HANDLER(list_queue);
WHARF_HANDLER(cancel_queued);

// message_routes.cpp
WHARF_HANDLER(get_poll);
WHARF_HANDLER(get_message);
WHARF_HANDLER(list_chats);
WHARF_HANDLER(list_messages);
WHARF_HANDLER(remove_chat);
WHARF_HANDLER(mark_chat_read);

// contact_routes.cpp
WHARF_HANDLER(list_contacts);
WHARF_HANDLER(check_numbers);
WHARF_HANDLER(get_contact);
WHARF_HANDLER(get_contact_about);
WHARF_HANDLER(get_business);
WHARF_HANDLER(save_contact);
WHARF_HANDLER(remove_contact);
WHARF_HANDLER(get_catalog);
WHARF_HANDLER(block_contact);
WHARF_HANDLER(unblock_contact);
WHARF_HANDLER(list_blocked);

// profile_routes.cpp
WHARF_HANDLER(get_privacy);
WHARF_HANDLER(update_privacy);
WHARF_HANDLER(list_excluded);
WHARF_HANDLER(change_excluded);
WHARF_HANDLER(set_about);
WHARF_HANDLER(set_own_name);
WHARF_HANDLER(set_default_timer);

// presence_routes.cpp
WHARF_HANDLER(set_presence);
WHARF_HANDLER(show_presence);
WHARF_HANDLER(watch_presence);
WHARF_HANDLER(unwatch_presence);
WHARF_HANDLER(get_contact_presence);

// call_routes.cpp
WHARF_HANDLER(reject_call);

// status_routes.cpp
WHARF_HANDLER(post_status);
WHARF_HANDLER(list_status_posts);
WHARF_HANDLER(get_status_post);
WHARF_HANDLER(list_status_viewers);
WHARF_HANDLER(delete_status_post);
WHARF_HANDLER(view_status_post);

// broadcast_routes.cpp
WHARF_HANDLER(send_broadcast);

// search_routes.cpp
WHARF_HANDLER(search_messages);

// picture_routes.cpp
WHARF_HANDLER(set_group_picture);
WHARF_HANDLER(remove_group_picture);
WHARF_HANDLER(get_group_picture);
WHARF_HANDLER(get_channel_picture);
WHARF_HANDLER(get_contact_picture);
WHARF_HANDLER(get_own_picture);
WHARF_HANDLER(set_own_picture);
WHARF_HANDLER(remove_own_picture);
WHARF_HANDLER(set_channel_picture);
WHARF_HANDLER(remove_channel_picture);

// group_routes.cpp
WHARF_HANDLER(create_group);
WHARF_HANDLER(list_groups);
WHARF_HANDLER(get_group);
WHARF_HANDLER(update_group);
WHARF_HANDLER(add_participants);
WHARF_HANDLER(remove_participants);
WHARF_HANDLER(promote_participants);
WHARF_HANDLER(demote_participants);
WHARF_HANDLER(leave_group);
WHARF_HANDLER(list_join_requests);
WHARF_HANDLER(decide_join_requests);

// group_invite_routes.cpp
WHARF_HANDLER(get_invite);
WHARF_HANDLER(reset_invite);
WHARF_HANDLER(join_group);
WHARF_HANDLER(accept_invitation);
WHARF_HANDLER(preview_invite);

// community_routes.cpp
WHARF_HANDLER(list_sub_groups);
WHARF_HANDLER(link_groups);
WHARF_HANDLER(unlink_groups);

// channel_routes.cpp
WHARF_HANDLER(list_channels);
WHARF_HANDLER(create_channel);
WHARF_HANDLER(get_channel);
WHARF_HANDLER(update_channel);
WHARF_HANDLER(delete_channel);
WHARF_HANDLER(follow_channel);
WHARF_HANDLER(unfollow_channel);
WHARF_HANDLER(mute_channel);
WHARF_HANDLER(unmute_channel);
WHARF_HANDLER(list_posts);
WHARF_HANDLER(list_post_updates);
WHARF_HANDLER(post_in_channel);
WHARF_HANDLER(react_in_channel);
WHARF_HANDLER(view_posts);
WHARF_HANDLER(watch_channel);

// webhook_routes.cpp; the same for /sessions/{sessionId}/webhooks and /webhooks
WHARF_HANDLER(register_webhook);
WHARF_HANDLER(list_webhooks);
WHARF_HANDLER(get_webhook);
WHARF_HANDLER(update_webhook);
WHARF_HANDLER(remove_webhook);
WHARF_HANDLER(list_deliveries);
WHARF_HANDLER(redeliver);
WHARF_HANDLER(test_webhook);

// event_routes.cpp
WHARF_HANDLER(poll_events);
WHARF_HANDLER(stream_session_events);
WHARF_HANDLER(stream_events);

// info_routes.cpp
WHARF_HANDLER(get_info);
WHARF_HANDLER(get_health);
WHARF_HANDLER(get_openapi);
WHARF_HANDLER(get_welcome_page);

#undef WHARF_HANDLER

/// The OpenAPI 3.1 document of a routing table (openapi.cpp).
std::string openapi_document(std::span<const Route> table, std::string_view version);

}  // namespace wharf::api
