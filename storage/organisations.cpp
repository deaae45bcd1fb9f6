#include "storage/organisations.h"

#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_organisations = "SELECT id, name, created_at FROM organisation ORDER BY id";

}  // namespace

std::vector<OrganisationRow> load_organisations(Database& db) {
  std::vector<OrganisationRow> rows;
  Statement select(db, select_organisations);
  while (select.next()) {
    OrganisationRow& row = rows.emplace_back();
    row.id = OrgId{select.integer()};
    row.name = select.text();
    row.created_at = select.integer();
  }
  return rows;
}

}  // namespace wharf::storage
