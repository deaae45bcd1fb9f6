#include "tests/simulation/group_ledger.h"

#include <utility>

namespace wharf::simulation {

namespace {

void excuse(std::string& where, const std::string& why) {
  if (where.empty()) where = why;
}

}  // namespace

GroupText* GroupLedger::find(const std::string& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &texts[found->second];
}

void GroupLedger::add(GroupText text) {
  by_id_.emplace(text.id, texts.size());
  texts.push_back(std::move(text));
}

void GroupLedger::excuse_device(std::size_t gateway, const IsTold& told, const std::string& why) {
  for (GroupText& text : texts) {
    if (text.by_gateway && text.via == gateway) excuse(text.excuse, why);
    else if (!told(text)) excuse(text.copies[gateway], why);
  }
}

void GroupLedger::excuse_phone_sends(std::size_t person, const std::string& why) {
  for (GroupText& text : texts) {
    if (!text.by_gateway && text.from == person) excuse(text.excuse, why);
  }
}

void GroupLedger::give_up(GroupText& text, const std::string& why) {
  text.given_up = true;
  excuse(text.excuse, why);
}

}  // namespace wharf::simulation
