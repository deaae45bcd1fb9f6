#pragma once
// Organisations: whose a session or webhook is. A new file has one, and this build makes no others.

#include <string>
#include <vector>

#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct OrganisationRow {
  OrgId id;
  std::string name;  // unique; what the API shows
  UnixMs created_at = 0;
  friend bool operator==(const OrganisationRow&, const OrganisationRow&) = default;
};
/// By id.
std::vector<OrganisationRow> load_organisations(Database& db);

}  // namespace wharf::storage
