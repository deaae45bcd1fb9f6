#pragma once
// Identities of the people of one page, each looked up once.

#include <map>

#include "api/services.h"

namespace wharf::api {

class People {
 public:
  People(storage::Database& db, storage::SessionId session) : db_(db), session_(session) {}
  const sessions::PersonIds& of(const protocol::Jid& user) {
    const auto [at, added] = known_.try_emplace(user);
    if (added) at->second = person_ids(db_, session_, user);
    return at->second;
  }

 private:
  storage::Database& db_;
  storage::SessionId session_;
  std::map<protocol::Jid, sessions::PersonIds> known_;
};

}  // namespace wharf::api
