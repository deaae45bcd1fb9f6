#include "sandbox/network/businesses.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

#include "sandbox/network/answers.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

/// Products from the cursor of `query` on, as many as it wants: the cursor is the position of the first.
protocol::CatalogPage page_of(const std::vector<protocol::Product>& shown, const protocol::CatalogQuery& query) {
  protocol::CatalogPage page;
  std::size_t begin = 0;
  const auto& after = query.after;
  const auto [end, failure] = std::from_chars(after.data(), after.data() + after.size(), begin);
  if (!after.empty() && (failure != std::errc() || end != after.data() + after.size())) return page;
  for (std::size_t i = begin; i < shown.size() && page.products.size() < query.limit; ++i)
    page.products.push_back(shown[i]);
  const auto next = begin + page.products.size();
  if (!page.products.empty() && next < shown.size()) page.after = std::to_string(next);
  return page;
}

/// Ids of the products that one has and the other has not, or otherwise.
std::vector<std::string> changed_products(const BusinessCard* before, const BusinessCard* now) {
  std::vector<std::string> ids;
  const auto compare = [&ids](const BusinessCard* one, const BusinessCard* other) {
    if (one == nullptr) return;
    for (const auto& product : one->products) {
      const bool same = other != nullptr &&
                        std::find(other->products.begin(), other->products.end(), product) != other->products.end();
      if (!same && std::find(ids.begin(), ids.end(), product.id) == ids.end()) ids.push_back(product.id);
    }
  };
  compare(now, before);
  compare(before, now);
  return ids;
}

}  // namespace

const BusinessCard* Businesses::of(std::string_view phone) const {
  const auto found = cards_.find(phone);
  return found == cards_.end() ? nullptr : &found->second;
}

const BusinessCard* Businesses::asked_for(const Jid& jid) const {
  const auto address = accounts_.resolve(jid.user_jid());
  return address ? of(address->party->account.phone) : nullptr;
}

// --- changing

void Businesses::set(const Party& party, std::optional<BusinessCard> card) {
  const auto& phone = party.account.phone;
  std::optional<BusinessCard> before;
  if (const auto* known = of(phone)) before = *known;
  if (card) cards_[phone] = std::move(*card);
  else cards_.erase(phone);
  c_.changes.changed(RowKind::business, phone);
  tell(party, before ? &*before : nullptr, of(phone));
}

void Businesses::tell(const Party& party, const BusinessCard* before, const BusinessCard* now) {
  const Jid jid = party.account.pn_jid();
  if (now == nullptr) {
    if (before != nullptr) audience_.tell_contacts(party, {}, protocol::BusinessRemoved{jid, {}});
    return;
  }
  if (before == nullptr || !(before->name == now->name)) {
    const auto& name = now->name;
    const auto certificate = name.certificate.empty() ? protocol::unsigned_name_certificate(name) : name.certificate;
    audience_.tell_contacts(party, {}, protocol::BusinessNameChanged{jid, {}, name.level, certificate});
  }
  if (before == nullptr || !(before->profile == now->profile))
    audience_.tell_contacts(party, {}, protocol::BusinessProfileChanged{jid, {}});
  if (auto ids = changed_products(before, now); !ids.empty())
    audience_.tell_contacts(party, {}, protocol::CatalogChanged{jid, std::move(ids), {}});
}

// --- answering

void Businesses::on_iq(const Origin& origin, const Node& iq) {
  if (const auto jid = protocol::read_verified_name_query(iq)) {
    const auto* card = asked_for(*jid);
    const auto name = card != nullptr ? std::optional(card->name) : std::nullopt;
    return c_.send(origin.key, answer_of(iq, protocol::verified_name_answer(iq, name)));
  }
  if (const auto asked = protocol::read_business_profile_query(iq)) {
    std::vector<protocol::BusinessProfile> profiles;
    for (const auto& jid : *asked) {
      const auto* card = asked_for(jid);
      if (card == nullptr) continue;
      profiles.push_back(card->profile);
      profiles.back().jid = jid.user_jid();  // in the form of the question
    }
    return c_.send(origin.key, answer_of(iq, protocol::business_profile_answer(iq, profiles)));
  }
  c_.send(origin.key, result_of(iq));  // changes of the own profile: taken and not kept
}

void Businesses::on_catalogue(const Origin& origin, const Node& iq) {
  const auto missing = [&] { c_.send(origin.key, error_of(iq, 404, "item-not-found")); };
  if (const auto asked = protocol::read_collections_query(iq)) {
    if (asked_for(asked->business) == nullptr) return missing();
    return c_.send(origin.key, answer_of(iq, protocol::collections_answer(iq, {})));
  }
  const auto asked = protocol::read_catalog_query(iq);
  const auto* card = asked ? asked_for(asked->business) : nullptr;
  if (card == nullptr) return missing();
  auto shown = card->products;
  if (card != of(origin.key.phone)) std::erase_if(shown, [](const protocol::Product& one) { return one.hidden; });
  c_.send(origin.key, answer_of(iq, protocol::catalog_answer(iq, page_of(shown, *asked))));
}

std::optional<Node> Businesses::verified_name_of(const Party& party) const {
  const auto* card = of(party.account.phone);
  if (card == nullptr) return std::nullopt;
  return Node("business").add(protocol::verified_name_node(card->name));
}

// --- rows: what would be answered to somebody who asks

std::optional<Bytes> Businesses::row(std::string_view phone) const {
  const auto* card = of(phone);
  if (card == nullptr) return std::nullopt;
  const Node asked("iq");
  auto profile = card->profile;
  profile.jid = accounts_.find(phone)->account.pn_jid();  // not read back
  Node kept("business");
  kept.add(protocol::verified_name_answer(asked, card->name));
  kept.add(protocol::business_profile_answer(asked, std::vector{std::move(profile)}));
  kept.add(protocol::catalog_answer(asked, {card->products, {}}));
  return protocol::encode_node(kept);
}

void Businesses::restore(const std::string& phone, ByteView row) {
  const auto kept = stanza_of(row);
  if (kept.children().size() != 3) damaged("a business");
  auto name = protocol::read_verified_name_answer(kept.children()[0]);
  auto profiles = protocol::read_business_profiles(kept.children()[1]);
  auto catalogue = protocol::read_catalog(kept.children()[2]);
  if (!name || !*name || !profiles || profiles->size() != 1 || !catalogue) damaged("a business");
  BusinessCard card{std::move(**name), std::move(profiles->front()), std::move(catalogue->products)};
  card.profile.jid = {};
  if (card.name.certificate == protocol::unsigned_name_certificate(card.name)) card.name.certificate.clear();
  cards_[phone] = std::move(card);
}

}  // namespace wharf::sandbox
