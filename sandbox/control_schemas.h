#pragma once
// What the requests of the control API may contain.

#include "web/schema.h"

namespace wharf::sandbox::schemas {

// forms of texts
extern const web::Format phone_number;  // as people write it
extern const web::Format chat_text;     // a number or a JID of one, or of a group

// bodies
extern const web::Schema no_fields, create_phone, scan, enter_code, send_message, mark_read, set_typing, switched,
    media_retry, unlink, peer, set_account, change_number, change_lid, set_auto_reply, kick, advance_clock, media_fault,
    media_faults;
// bodies about groups
extern const web::Schema create_group, join_group, group_members, group_subject, group_description, group_settings,
    group_picture, group_requests, sub_groups;
// bodies about people (control_people_schemas.cpp)
extern const web::Schema phone_picture, phone_about, phone_privacy, phone_block, phone_default_timer, phone_name,
    phone_contact, phone_presence, phone_trust, phone_watch, phone_business, phone_call;
// bodies about scenarios, and what is a step's own in them (control_script_schemas.cpp)
extern const web::Schema play_script, script_step, script_wait, script_repeat, script_expect;
// bodies about status posts (control_statuses.cpp)
extern const web::Schema post_status, view_status, status_audience;
/// Of a file that a phone sends.
extern const web::Schema sent_media;
// bodies about channels (control_channels_schemas.cpp)
extern const web::Schema create_channel, update_channel, channel_follower, channel_post, channel_edit, channel_reaction;
// queries
extern const web::Schema scan_query, messages_query, wire_query, media_query;

}  // namespace wharf::sandbox::schemas
