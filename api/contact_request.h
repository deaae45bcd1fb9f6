#pragma once
// What handlers of people share: who the path names.

#include <optional>

#include "api/services.h"

namespace wharf::api {

struct ContactOfPath {
  sessions::SessionView session;
  protocol::Jid jid;  // canonical
  sessions::PersonIds ids;
  bool is_own = false;
};
/// The person of the path; answers and returns nullopt when it is none, or there is no such session.
std::optional<ContactOfPath> contact_of(const ServicesPtr& services, const CallPtr& call);

}  // namespace wharf::api
