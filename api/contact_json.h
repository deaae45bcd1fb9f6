#pragma once
// People as callers see them (api/schemas_people.cpp). Both ids of each person stand in every row: `id`, by the number
// where it is known, and `lid`.

#include <span>
#include <string>
#include <vector>

#include "api/dialect_choice.h"
#include "api/json_writer.h"
#include "sessions/people/person_answers.h"

namespace wharf::api {

/// Whom a resource is about, as every one of them begins. `lid` and `number` are "" when they are not known.
struct PersonHead {
  std::string id = {}, lid = {}, number = {};
};
PersonHead person_head(const protocol::Jid& jid, const events::PersonIds& ids, Dialect dialect);
/// Opens the object.
JsonWriter& begin_about(JsonWriter& out, const PersonHead& who);

/// What somebody is called, everywhere: as the address book has them, else as they call themselves, else the name that
/// WhatsApp has verified; "" when none of it is known.
const std::string& shown_name(const storage::ContactRow& row);

/// A row of the list.
void write_contact(JsonWriter& out, const storage::ContactRow& row, const events::PersonIds& ids, bool saved,
                   Dialect dialect);
/// One person with what was asked of WhatsApp. `picture`: nullptr when it was not asked for, or the answer was an
/// error.
std::string contact_json(const sessions::ContactView& contact, const sessions::PictureView* picture, Dialect dialect);
std::string about_json(const sessions::ContactView& contact, Dialect dialect);

/// A number as a caller wrote it, and its digits; "" = it can be no number. A LID when its number is not known.
struct AskedNumber {
  std::string given, digits;
};
/// A row of each of `asked`, in their order; one that no answer is about was not answered.
std::string checked_numbers_json(std::span<const AskedNumber> asked,
                                 const std::vector<sessions::NumberChecked>& answers, Dialect dialect);

std::string blocked_contacts_json(const std::vector<sessions::Person>& blocked, Dialect dialect);

/// Times in the unit of the dialect, as in `presence` events.
std::string contact_presence_json(const sessions::PresenceView& presence, Dialect dialect);

}  // namespace wharf::api
