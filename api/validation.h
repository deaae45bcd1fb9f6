#pragma once
// The validation of web/ with the formats of this API.

#include "web/schema.h"
#include "web/validation.h"

namespace wharf::api {

using web::boolean_of;
using web::Field;
using web::FieldProblem;
using web::integer_of;
using web::names_a_field;
using web::Query;
using web::Schema;
using web::text_of;
using web::texts_of;
using web::Type;
using web::Unknown;
using web::validate;

namespace formats {

/// chat_id: any chat. user_id: a person, group_id: a group, as chat_id spells one.
extern const web::Format session_name, chat_id, user_id, group_id, message_id, new_message_id, url, event_pattern,
    event_list, header, secret, media_type, file_type, date_time, event_position;

/// It says who or where: a wrong one is INVALID_CHAT_ID.
bool names_chat(const web::Format* format);

}  // namespace formats
}  // namespace wharf::api
