#pragma once
// What tests count in the rows and the product never asks.

#include <cstddef>
#include <string>

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

std::size_t count_pre_keys(Database& db, SessionId session);
std::size_t count_outbox(Database& db, SessionId session);
std::size_t count_deliveries(Database& db, const std::string& webhook);
/// The oldest that is kept; 0 when there is none.
EventId first_event_id(Database& db);
/// Of any device of the user, hosted ones not counted.
bool has_ratchets_of(Database& db, SessionId session, const protocol::Jid& user);

}  // namespace wharf::storage
