// The routing table: the one place that says what the API can do. Validation, 405 answers, rate limits, capabilities
// and the OpenAPI document are read from it. A route without handler is part of the contract and answers 501 so far.
#include "api/handlers.h"
#include "api/schemas.h"

namespace wharf::api {
namespace {

using enum Capability;
using Kind = protocol::MediaKind;
namespace s = schemas;

#define SESSION "/api/v1/sessions/{sessionId}"

// A row is a route.
// clang-format off
const Route table[] = {
    // --- sessions
    {.method = "POST", .pattern = "/api/v1/sessions", .capability = manage, .tag = "Sessions", .summary = "Create a session", .handler = create_session, .body = &s::create_session, .answer = &s::session, .success = 201, .budget = Budget::session_creation},
    {.method = "GET", .pattern = "/api/v1/sessions", .tag = "Sessions", .summary = "List the sessions", .handler = list_sessions, .answer = &s::session, .answer_is_list = true},
    {.method = "GET", .pattern = SESSION, .tag = "Sessions", .summary = "Get a session", .handler = get_session, .answer = &s::session},
    {.method = "PATCH", .pattern = SESSION, .capability = manage, .tag = "Sessions", .summary = "Change config or metadata", .handler = update_session, .body = &s::update_session, .answer = &s::session},
    {.method = "DELETE", .pattern = SESSION, .capability = manage, .tag = "Sessions", .summary = "Log out and remove a session", .handler = remove_session},
    {.method = "GET", .pattern = SESSION "/status", .tag = "Sessions", .summary = "Get the status", .handler = get_session_status, .answer = &s::session_status},
    {.method = "GET", .pattern = SESSION "/qr", .capability = manage, .tag = "Sessions", .summary = "Get the QR code being shown", .handler = get_qr, .answer = &s::qr},
    {.method = "GET", .pattern = SESSION "/qr/image", .capability = manage, .tag = "Sessions", .summary = "Get the QR code as a PNG image", .handler = get_qr_image, .query = &s::qr_image_query, .media_type = "image/png"},
    {.method = "POST", .pattern = SESSION "/pairing-code", .capability = manage, .tag = "Sessions", .summary = "Link by a code typed on the phone", .handler = request_pairing_code, .body = &s::pairing_code_request, .answer = &s::pairing_code, .conflict = "the session is linked already, or has no connection to ask on"},
    {.method = "POST", .pattern = SESSION "/start", .capability = manage, .tag = "Sessions", .summary = "Start a stopped or failed session", .handler = start_session, .answer = &s::session},
    {.method = "POST", .pattern = SESSION "/stop", .capability = manage, .tag = "Sessions", .summary = "Disconnect and stay stopped", .handler = stop_session, .answer = &s::session},
    {.method = "POST", .pattern = SESSION "/restart", .capability = manage, .tag = "Sessions", .summary = "Disconnect and start again", .handler = restart_session, .answer = &s::session},
    {.method = "POST", .pattern = SESSION "/logout", .capability = manage, .tag = "Sessions", .summary = "Unlink from the phone", .handler = logout_session, .answer = &s::session},
    {.method = "GET", .pattern = SESSION "/me", .tag = "Sessions", .summary = "Get the linked account", .handler = get_me, .answer = &s::account},
    {.method = "GET", .pattern = SESSION "/me/picture", .tag = "Profile", .summary = "Where the own picture is", .handler = get_own_picture, .query = &s::picture_query, .answer = &s::picture, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/me/picture", .capability = manage, .tag = "Profile", .summary = "Set the own picture", .handler = set_own_picture, .body = &s::set_picture, .answer = &s::picture, .files = Kind::image, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/me/picture", .capability = manage, .tag = "Profile", .summary = "Remove the own picture", .handler = remove_own_picture, .answer = &s::removed_picture, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/me/about", .capability = manage, .tag = "Profile", .summary = "Set the own about text", .handler = set_about, .body = &s::set_about, .answer = &s::own_about, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/me/disappearing", .capability = manage, .tag = "Profile", .summary = "Set how long messages of new chats stay", .handler = set_default_timer, .body = &s::set_default_timer, .answer = &s::default_timer, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/me/name", .capability = manage, .tag = "Profile", .summary = "Set the own name", .handler = set_own_name, .body = &s::set_own_name, .answer = &s::own_name, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/privacy", .tag = "Profile", .summary = "Get the privacy settings", .handler = get_privacy, .answer = &s::privacy, .asks_whatsapp = true},
    {.method = "PATCH", .pattern = SESSION "/privacy", .capability = manage, .tag = "Profile", .summary = "Change privacy settings", .handler = update_privacy, .body = &s::update_privacy, .answer = &s::privacy, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/privacy/excluded", .tag = "Profile", .summary = "List whom a setting of contactBlacklist leaves out", .handler = list_excluded, .query = &s::excluded_query, .answer = &s::blocked_contact, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "PATCH", .pattern = SESSION "/privacy/excluded", .capability = manage, .tag = "Profile", .summary = "Set contactBlacklist, and change whom it leaves out", .handler = change_excluded, .body = &s::change_excluded, .answer = &s::blocked_contact, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/presence", .capability = manage, .tag = "Profile", .summary = "Show the account as online or not", .handler = show_presence, .body = &s::show_presence, .answer = &s::shown_presence, .asks_whatsapp = true},

    // --- messages
    {.method = "POST", .pattern = SESSION "/send-text", .capability = send, .tag = "Messages", .summary = "Send a text message", .handler = send_text, .body = &s::send_text, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/send-image", .capability = send, .tag = "Messages", .summary = "Send an image", .handler = send_image, .body = &s::send_image, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::image},
    {.method = "POST", .pattern = SESSION "/send-file", .capability = send, .tag = "Messages", .summary = "Send a file", .handler = send_file, .body = &s::send_file, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::document},
    {.method = "POST", .pattern = SESSION "/send-audio", .capability = send, .tag = "Messages", .summary = "Send an audio file", .handler = send_audio, .body = &s::send_audio, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::audio},
    {.method = "POST", .pattern = SESSION "/send-video", .capability = send, .tag = "Messages", .summary = "Send a video", .handler = send_video, .body = &s::send_video, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::video},
    {.method = "POST", .pattern = SESSION "/send-voice", .capability = send, .tag = "Messages", .summary = "Send a voice note", .handler = send_voice, .body = &s::send_voice, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::voice},
    {.method = "POST", .pattern = SESSION "/send-sticker", .capability = send, .tag = "Messages", .summary = "Send a sticker", .handler = send_sticker, .body = &s::send_sticker, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::sticker},
    {.method = "POST", .pattern = SESSION "/send-location", .capability = send, .tag = "Messages", .summary = "Send a location", .handler = send_location, .body = &s::send_location, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/send-contact", .capability = send, .tag = "Messages", .summary = "Send contact cards", .handler = send_contact, .body = &s::send_contact, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/send-poll", .capability = send, .tag = "Messages", .summary = "Send a poll", .handler = send_poll, .body = &s::send_poll, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/send-event", .capability = send, .tag = "Messages", .summary = "Send a calendar event", .handler = send_event, .body = &s::send_event, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/send-group-invite", .capability = send, .tag = "Messages", .summary = "Send an invitation to a group", .handler = send_group_invite, .body = &s::send_group_invite, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/forward", .capability = send, .tag = "Messages", .summary = "Forward a message", .handler = forward_message, .body = &s::forward, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/messages", .capability = send, .tag = "Messages", .summary = "Send a message of any type", .handler = send_any, .body = &s::send_any, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::document},
    {.method = "GET", .pattern = SESSION "/messages", .tag = "Messages", .summary = "Search messages by their words, newest first", .handler = search_messages, .query = &s::search_query, .answer = &s::message, .answer_is_list = true},
    {.method = "GET", .pattern = SESSION "/messages/{messageId}", .tag = "Messages", .summary = "Get a message and its ack level", .handler = get_message, .answer = &s::message},
    {.method = "PATCH", .pattern = SESSION "/messages/{messageId}", .capability = send, .tag = "Messages", .summary = "Edit an own message", .handler = edit_message, .body = &s::edit_message, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "DELETE", .pattern = SESSION "/messages/{messageId}", .capability = send, .tag = "Messages", .summary = "Delete a message for everyone, or (204) from the stored copy", .handler = delete_message, .query = &s::delete_message_query, .answer = &s::sent_message, .budget = Budget::message, .may_be_empty = true},
    {.method = "POST", .pattern = SESSION "/messages/{messageId}/react", .capability = send, .tag = "Messages", .summary = "React to a message", .handler = react_to_message, .body = &s::react, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/messages/{messageId}/vote", .capability = send, .tag = "Messages", .summary = "Vote in a poll", .handler = vote_in_poll, .body = &s::vote, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/messages/{messageId}/answer", .capability = send, .tag = "Messages", .summary = "Answer a calendar event", .handler = answer_event, .body = &s::answer_event, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/messages/{messageId}/star", .capability = send, .tag = "Messages", .summary = "Star a message, here alone", .handler = star_message, .body = &s::star_message, .answer = &s::starred_message},
    {.method = "POST", .pattern = SESSION "/messages/{messageId}/accept-invitation", .capability = send, .tag = "Groups", .summary = "Join the group that a received message invites to", .handler = accept_invitation, .answer = &s::joined_group, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/messages/{messageId}/pin", .capability = send, .tag = "Messages", .summary = "Pin a message", .handler = pin_message, .body = &s::pin_message, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "GET", .pattern = SESSION "/messages/{messageId}/media", .tag = "Messages", .summary = "Download the media of a message", .handler = get_media, .query = &s::media_query, .media_type = "*/*", .gives_file = true},
    {.method = "GET", .pattern = SESSION "/messages/{messageId}/poll", .tag = "Messages", .summary = "Get the results of a poll", .handler = get_poll, .answer = &s::poll_results},
    {.method = "GET", .pattern = SESSION "/queue", .tag = "Messages", .summary = "List the messages that the server does not have yet, in order of acceptance", .handler = list_queue, .query = &s::queue_query, .answer = &s::queued_message, .answer_is_list = true},
    {.method = "DELETE", .pattern = SESSION "/queue/{messageId}", .capability = send, .tag = "Messages", .summary = "Cancel a scheduled or waiting message", .handler = cancel_queued, .answer = &s::sent_message, .conflict = "the message is on its way already"},

    // --- status posts
    {.method = "POST", .pattern = SESSION "/status/posts", .capability = send, .tag = "Status", .summary = "Post a status", .handler = post_status, .body = &s::post_status, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message, .files = Kind::document},
    {.method = "GET", .pattern = SESSION "/status/posts", .tag = "Status", .summary = "List the status posts of the last day, newest first", .handler = list_status_posts, .query = &s::status_posts_query, .answer = &s::status_post, .answer_is_list = true},
    {.method = "GET", .pattern = SESSION "/status/posts/{messageId}", .tag = "Status", .summary = "Get a status post", .handler = get_status_post, .answer = &s::status_post},
    {.method = "GET", .pattern = SESSION "/status/posts/{messageId}/viewers", .tag = "Status", .summary = "List who has seen an own status post", .handler = list_status_viewers, .answer = &s::status_viewer, .answer_is_list = true},
    {.method = "DELETE", .pattern = SESSION "/status/posts/{messageId}", .capability = send, .tag = "Status", .summary = "Delete an own status post for everyone", .handler = delete_status_post, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/status/posts/{messageId}/view", .capability = send, .tag = "Status", .summary = "Tell the author of a received status post that it was seen", .handler = view_status_post, .success = 204},

    {.method = "POST", .pattern = SESSION "/broadcasts", .capability = send, .tag = "Messages", .summary = "Send one text to several people, as a message of each chat", .handler = send_broadcast, .body = &s::send_broadcast, .answer = &s::broadcast_outcome, .budget = Budget::message},

    // --- chats
    {.method = "GET", .pattern = SESSION "/chats", .tag = "Chats", .summary = "List the chats, newest first", .handler = list_chats, .query = &s::page_query, .answer = &s::chat, .answer_is_list = true},
    {.method = "GET", .pattern = SESSION "/chats/{chatId}/messages", .tag = "Chats", .summary = "List the messages of a chat, newest first", .handler = list_messages, .query = &s::messages_query, .answer = &s::message, .answer_is_list = true},
    {.method = "DELETE", .pattern = SESSION "/chats/{chatId}", .capability = send, .tag = "Chats", .summary = "Delete a chat from the stored copy", .handler = remove_chat, .success = 204},
    {.method = "POST", .pattern = SESSION "/chats/{chatId}/read", .capability = send, .tag = "Chats", .summary = "Mark a chat read", .handler = mark_chat_read},
    {.method = "POST", .pattern = SESSION "/chats/{chatId}/unread", .capability = send, .tag = "Chats", .summary = "Mark a chat unread"},
    {.method = "PUT", .pattern = SESSION "/chats/{chatId}/presence", .capability = send, .tag = "Chats", .summary = "Show typing or recording", .handler = set_presence, .body = &s::set_presence, .success = 204},
    {.method = "PUT", .pattern = SESSION "/chats/{chatId}/disappearing", .capability = send, .tag = "Chats", .summary = "Set how long new messages stay", .handler = set_disappearing, .body = &s::set_disappearing, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "POST", .pattern = SESSION "/chats/{chatId}/archive", .capability = send, .tag = "Chats", .summary = "Archive a chat"},
    {.method = "POST", .pattern = SESSION "/chats/{chatId}/pin", .capability = send, .tag = "Chats", .summary = "Pin a chat"},
    {.method = "POST", .pattern = SESSION "/chats/{chatId}/mute", .capability = send, .tag = "Chats", .summary = "Mute a chat"},
    {.method = "POST", .pattern = SESSION "/chats/{chatId}/clear", .capability = send, .tag = "Chats", .summary = "Clear a chat"},
    {.method = "PUT", .pattern = SESSION "/chats/{chatId}/labels", .capability = send, .tag = "Chats", .summary = "Set the labels of a chat"},

    // --- contacts
    {.method = "GET", .pattern = SESSION "/contacts", .tag = "Contacts", .summary = "List the contacts", .handler = list_contacts, .query = &s::contacts_query, .answer = &s::contact, .answer_is_list = true},
    {.method = "POST", .pattern = SESSION "/contacts/check", .tag = "Contacts", .summary = "Check which numbers are on WhatsApp", .handler = check_numbers, .body = &s::check_numbers, .answer = &s::checked_number, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/contacts/{contactId}", .tag = "Contacts", .summary = "Get a contact", .handler = get_contact, .answer = &s::contact_details, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/contacts/{contactId}", .capability = manage, .tag = "Contacts", .summary = "Save or rename a contact", .handler = save_contact, .body = &s::save_contact, .answer = &s::saved_contact, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/contacts/{contactId}", .capability = manage, .tag = "Contacts", .summary = "Remove a contact from the address book", .handler = remove_contact, .success = 204, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/contacts/{contactId}/picture", .tag = "Contacts", .summary = "Where a profile picture is", .handler = get_contact_picture, .query = &s::picture_query, .answer = &s::picture, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/contacts/{contactId}/about", .tag = "Contacts", .summary = "Get the about text", .handler = get_contact_about, .answer = &s::about, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/contacts/{contactId}/business", .tag = "Contacts", .summary = "Get the profile of a business", .handler = get_business, .answer = &s::business, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/contacts/{contactId}/catalog", .tag = "Contacts", .summary = "List the products of a business", .handler = get_catalog, .query = &s::catalog_query, .answer = &s::product, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/contacts/{contactId}/presence", .tag = "Contacts", .summary = "What is known of a contact's presence", .handler = get_contact_presence, .answer = &s::contact_presence},
    {.method = "POST", .pattern = SESSION "/contacts/{contactId}/presence", .capability = send, .tag = "Contacts", .summary = "Watch a contact's presence", .handler = watch_presence, .answer = &s::contact_presence},
    {.method = "DELETE", .pattern = SESSION "/contacts/{contactId}/presence", .capability = send, .tag = "Contacts", .summary = "Watch a contact's presence no more", .handler = unwatch_presence, .success = 204},
    {.method = "POST", .pattern = SESSION "/contacts/{contactId}/block", .capability = send, .tag = "Contacts", .summary = "Block a contact", .handler = block_contact, .answer = &s::blocked, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/contacts/{contactId}/unblock", .capability = send, .tag = "Contacts", .summary = "Unblock a contact", .handler = unblock_contact, .answer = &s::blocked, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/blocked", .tag = "Contacts", .summary = "List the blocked contacts", .handler = list_blocked, .answer = &s::blocked_contact, .answer_is_list = true, .asks_whatsapp = true},

    // --- calls
    {.method = "POST", .pattern = SESSION "/calls/{callId}/reject", .capability = send, .tag = "Calls", .summary = "Reject a call that rings", .handler = reject_call, .answer = &s::rejected_call, .conflict = "the session is not connected"},

    // --- channels
    {.method = "GET", .pattern = SESSION "/channels", .tag = "Channels", .summary = "List the channels that the account follows or has", .handler = list_channels, .answer = &s::channel, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels", .capability = send, .tag = "Channels", .summary = "Create a channel", .handler = create_channel, .body = &s::create_channel, .answer = &s::channel, .success = 201, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/channels/{channelId}", .tag = "Channels", .summary = "Look at a channel, followed or not, by its id or the code of its link", .handler = get_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "PATCH", .pattern = SESSION "/channels/{channelId}", .capability = send, .tag = "Channels", .summary = "Change name, description or reactions of an own channel", .handler = update_channel, .body = &s::update_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/channels/{channelId}", .capability = send, .tag = "Channels", .summary = "Delete an own channel for everyone", .handler = delete_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/follow", .capability = send, .tag = "Channels", .summary = "Follow a channel", .handler = follow_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/unfollow", .capability = send, .tag = "Channels", .summary = "Follow a channel no more", .handler = unfollow_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/mute", .capability = send, .tag = "Channels", .summary = "Mute a channel", .handler = mute_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/unmute", .capability = send, .tag = "Channels", .summary = "Mute a channel no more", .handler = unmute_channel, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/channels/{channelId}/picture", .capability = send, .tag = "Channels", .summary = "Set the picture of an own channel", .handler = set_channel_picture, .body = &s::set_picture, .answer = &s::channel, .files = Kind::image, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/channels/{channelId}/picture", .tag = "Channels", .summary = "Where the picture of a channel is", .handler = get_channel_picture, .query = &s::picture_query, .answer = &s::picture, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/channels/{channelId}/picture", .capability = send, .tag = "Channels", .summary = "Remove the picture of an own channel", .handler = remove_channel_picture, .answer = &s::channel, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/channels/{channelId}/messages", .tag = "Channels", .summary = "Read a page of posts from WhatsApp, with views and reactions", .handler = list_posts, .query = &s::posts_query, .answer = &s::channel_post, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/channels/{channelId}/updates", .tag = "Channels", .summary = "Read what changed of posts: counts, edits, deletions", .handler = list_post_updates, .query = &s::post_updates_query, .answer = &s::channel_post, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/messages", .capability = send, .tag = "Channels", .summary = "Post a text in an own channel; files: send-image and the others, with the channel as chatId", .handler = post_in_channel, .body = &s::post_in_channel, .query = &s::send_query, .answer = &s::sent_message, .budget = Budget::message},
    {.method = "GET", .pattern = SESSION "/channels/{channelId}/messages/{serverId}/media", .tag = "Channels", .summary = "Download the file of a post, stored here or not", .handler = get_post_media, .query = &s::media_query, .media_type = "*/*", .gives_file = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/messages/{serverId}/reactions", .capability = send, .tag = "Channels", .summary = "React to a post, or take the reaction back", .handler = react_in_channel, .body = &s::react, .answer = &s::channel_reaction, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/views", .capability = send, .tag = "Channels", .summary = "Tell WhatsApp that posts were seen", .handler = view_posts, .body = &s::view_posts, .answer = &s::viewed_posts, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/channels/{channelId}/watch", .capability = send, .tag = "Channels", .summary = "Have the counts of posts told as they change, for some minutes", .handler = watch_channel, .answer = &s::watched_channel, .asks_whatsapp = true},

    // --- groups
    {.method = "POST", .pattern = SESSION "/groups", .capability = send, .tag = "Groups", .summary = "Create a group", .handler = create_group, .body = &s::create_group, .answer = &s::created_group, .success = 201, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups", .tag = "Groups", .summary = "List the groups that the account is in", .handler = list_groups, .query = &s::page_query, .answer = &s::group, .answer_is_list = true},
    {.method = "POST", .pattern = SESSION "/groups/join", .capability = send, .tag = "Groups", .summary = "Join by invite link", .handler = join_group, .body = &s::join_group, .answer = &s::joined_group, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups/invite/{code}", .tag = "Groups", .summary = "Look at the group behind an invite link", .handler = preview_invite, .answer = &s::group, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups/{groupId}", .tag = "Groups", .summary = "Get a group", .handler = get_group, .query = &s::group_query, .answer = &s::group, .asks_whatsapp = true},
    {.method = "PATCH", .pattern = SESSION "/groups/{groupId}", .capability = send, .tag = "Groups", .summary = "Change name, description or settings", .handler = update_group, .body = &s::update_group, .answer = &s::updated_group, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/groups/{groupId}/participants", .capability = send, .tag = "Groups", .summary = "Add participants", .handler = add_participants, .body = &s::group_people, .answer = &s::member_outcomes, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/groups/{groupId}/participants", .capability = send, .tag = "Groups", .summary = "Remove participants", .handler = remove_participants, .body = &s::group_people, .answer = &s::member_outcomes, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/groups/{groupId}/promote", .capability = send, .tag = "Groups", .summary = "Make participants admins", .handler = promote_participants, .body = &s::group_people, .answer = &s::member_outcomes, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/groups/{groupId}/demote", .capability = send, .tag = "Groups", .summary = "Make admins participants", .handler = demote_participants, .body = &s::group_people, .answer = &s::member_outcomes, .asks_whatsapp = true},
    {.method = "PUT", .pattern = SESSION "/groups/{groupId}/picture", .capability = send, .tag = "Groups", .summary = "Set the picture", .handler = set_group_picture, .body = &s::set_picture, .answer = &s::picture, .files = Kind::image, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups/{groupId}/picture", .tag = "Groups", .summary = "Where the picture is", .handler = get_group_picture, .query = &s::picture_query, .answer = &s::picture, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/groups/{groupId}/picture", .capability = send, .tag = "Groups", .summary = "Remove the picture", .handler = remove_group_picture, .answer = &s::removed_picture, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups/{groupId}/invite", .tag = "Groups", .summary = "Get the invite link", .handler = get_invite, .answer = &s::group_invite, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/groups/{groupId}/invite", .capability = send, .tag = "Groups", .summary = "Reset the invite link", .handler = reset_invite, .answer = &s::group_invite, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/groups/{groupId}/leave", .capability = send, .tag = "Groups", .summary = "Leave a group", .handler = leave_group, .answer = &s::left_group, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups/{groupId}/requests", .tag = "Groups", .summary = "List the requests to join", .handler = list_join_requests, .answer = &s::join_request, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/groups/{groupId}/requests", .capability = send, .tag = "Groups", .summary = "Accept or refuse requests to join", .handler = decide_join_requests, .body = &s::decide_requests, .answer = &s::member_outcomes, .asks_whatsapp = true},
    {.method = "GET", .pattern = SESSION "/groups/{groupId}/groups", .tag = "Groups", .summary = "List the groups of a community", .handler = list_sub_groups, .answer = &s::group, .answer_is_list = true, .asks_whatsapp = true},
    {.method = "POST", .pattern = SESSION "/groups/{groupId}/groups", .capability = send, .tag = "Groups", .summary = "Link groups to a community", .handler = link_groups, .body = &s::linked_groups, .answer = &s::group_statuses, .asks_whatsapp = true},
    {.method = "DELETE", .pattern = SESSION "/groups/{groupId}/groups", .capability = send, .tag = "Groups", .summary = "Unlink groups from a community", .handler = unlink_groups, .body = &s::linked_groups, .answer = &s::group_statuses, .asks_whatsapp = true},

    // --- webhooks
    {.method = "POST", .pattern = SESSION "/webhooks", .capability = manage, .tag = "Webhooks", .summary = "Register a webhook of a session", .handler = register_webhook, .body = &s::register_webhook, .answer = &s::webhook, .success = 201},
    {.method = "GET", .pattern = SESSION "/webhooks", .capability = manage, .tag = "Webhooks", .summary = "List the webhooks of a session", .handler = list_webhooks, .answer = &s::webhook, .answer_is_list = true},
    {.method = "GET", .pattern = SESSION "/webhooks/{webhookId}", .capability = manage, .tag = "Webhooks", .summary = "Get a webhook", .handler = get_webhook, .answer = &s::webhook},
    {.method = "PATCH", .pattern = SESSION "/webhooks/{webhookId}", .capability = manage, .tag = "Webhooks", .summary = "Change a webhook", .handler = update_webhook, .body = &s::update_webhook, .answer = &s::webhook},
    {.method = "DELETE", .pattern = SESSION "/webhooks/{webhookId}", .capability = manage, .tag = "Webhooks", .summary = "Remove a webhook", .handler = remove_webhook},
    {.method = "GET", .pattern = SESSION "/webhooks/{webhookId}/deliveries", .capability = manage, .tag = "Webhooks", .summary = "List deliveries", .handler = list_deliveries, .query = &s::deliveries_query, .answer = &s::delivery, .answer_is_list = true},
    {.method = "POST", .pattern = SESSION "/webhooks/{webhookId}/deliveries/{eventId}/redeliver", .capability = manage, .tag = "Webhooks", .summary = "Deliver an event again", .handler = redeliver, .answer = &s::queued_delivery, .success = 202},
    {.method = "POST", .pattern = SESSION "/webhooks/{webhookId}/test", .capability = manage, .tag = "Webhooks", .summary = "Send a test event", .handler = test_webhook, .answer = &s::delivery_outcome},
    {.method = "POST", .pattern = "/api/v1/webhooks", .capability = manage, .tag = "Webhooks", .summary = "Register a webhook for every session", .handler = register_webhook, .body = &s::register_webhook, .answer = &s::webhook, .success = 201},
    {.method = "GET", .pattern = "/api/v1/webhooks", .capability = manage, .tag = "Webhooks", .summary = "List the webhooks for every session", .handler = list_webhooks, .answer = &s::webhook, .answer_is_list = true},
    {.method = "GET", .pattern = "/api/v1/webhooks/{webhookId}", .capability = manage, .tag = "Webhooks", .summary = "Get a webhook", .handler = get_webhook, .answer = &s::webhook},
    {.method = "PATCH", .pattern = "/api/v1/webhooks/{webhookId}", .capability = manage, .tag = "Webhooks", .summary = "Change a webhook", .handler = update_webhook, .body = &s::update_webhook, .answer = &s::webhook},
    {.method = "DELETE", .pattern = "/api/v1/webhooks/{webhookId}", .capability = manage, .tag = "Webhooks", .summary = "Remove a webhook", .handler = remove_webhook},
    {.method = "GET", .pattern = "/api/v1/webhooks/{webhookId}/deliveries", .capability = manage, .tag = "Webhooks", .summary = "List deliveries", .handler = list_deliveries, .query = &s::deliveries_query, .answer = &s::delivery, .answer_is_list = true},
    {.method = "POST", .pattern = "/api/v1/webhooks/{webhookId}/deliveries/{eventId}/redeliver", .capability = manage, .tag = "Webhooks", .summary = "Deliver an event again", .handler = redeliver, .answer = &s::queued_delivery, .success = 202},
    {.method = "POST", .pattern = "/api/v1/webhooks/{webhookId}/test", .capability = manage, .tag = "Webhooks", .summary = "Send a test event", .handler = test_webhook, .answer = &s::delivery_outcome},

    // --- events
    {.method = "GET", .pattern = "/api/v1/events", .tag = "Events", .summary = "Read the event log; waits when there is nothing", .handler = poll_events, .query = &s::events_query, .answer = &s::event, .answer_is_list = true},
    {.method = "GET", .pattern = "/api/v1/events/ws", .tag = "Events", .summary = "WebSocket: events of every session", .handler = stream_events, .query = &s::event_stream_query, .answer = &s::event, .success = 101, .websocket = true},
    {.method = "GET", .pattern = "/ws/{sessionId}", .tag = "Events", .summary = "WebSocket: events of a session", .handler = stream_session_events, .query = &s::session_stream_query, .answer = &s::event, .success = 101, .websocket = true},
    {.method = "POST", .pattern = "/api/v1/ws-ticket", .tag = "Events", .summary = "Get a one-use ticket for a browser WebSocket"},

    // --- server
    {.method = "GET", .pattern = "/api/v1/info", .tag = "Server", .summary = "About this server", .handler = get_info, .answer = &s::server_info},
    {.method = "GET", .pattern = "/api/v1/health", .capability = none, .tag = "Server", .summary = "Health check", .handler = get_health, .answer = &s::health, .budget = Budget::free},
    {.method = "GET", .pattern = "/api/v1/openapi.json", .capability = none, .tag = "Server", .summary = "This document", .handler = get_openapi},
    {.method = "GET", .pattern = "/", .capability = none, .tag = "Server", .summary = "A page that says what runs here", .handler = get_welcome_page, .media_type = "text/html"},
    {.method = "GET", .pattern = "/docs", .capability = none, .tag = "Server", .summary = "A browsable form of this document"},
    {.method = "GET", .pattern = "/metrics", .capability = admin, .tag = "Server", .summary = "Prometheus metrics"},
};
// clang-format on

#undef SESSION

}  // namespace

std::span<const Route> routes() { return table; }

}  // namespace wharf::api
