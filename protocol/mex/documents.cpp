#include "protocol/mex/documents.h"

#include <algorithm>
#include <utility>

namespace wharf::protocol {

namespace {

constexpr std::pair<std::string_view, std::string_view> newest[] = {
    // channels
    {"CreateNewsletter", "25149874324715067"},
    {"UpdateNewsletter", "24250201037901610"},
    {"DeleteNewsletter", "30062808666639665"},
    {"FetchNewsletter", "27456920720571478"},
    {"FetchNewsletterDehydrated", "26944199458535748"},
    {"FetchAllNewslettersMetadata", "25399611239711790"},
    {"JoinNewsletter", "24404358912487870"},
    {"LeaveNewsletter", "9767147403369991"},
    {"UpdateNewsletterUserSetting", "31938993655691868"},
    {"FetchNewsletterFollowers", "27472091235714801"},
    {"FetchNewsletterAdminInfo", "26278439461859188"},
    {"FetchNewsletterAdminCapabilities", "9801384413216421"},
    {"ChangeNewsletterOwner", "9546742745432473"},
    {"DemoteNewsletterAdmin", "9880997548630971"},
    {"CreateNewsletterAdminInvite", "9387141988078609"},
    {"RevokeNewsletterAdminInvite", "9656078347839416"},
    {"AcceptNewsletterAdminInvite", "9580828702035549"},
    {"FetchNewsletterPendingInvites", "9783111038412085"},
    {"FetchNewsletterDirectoryList", "26125047313831973"},
    {"FetchNewsletterDirectorySearchResults", "26301059626252132"},
    {"FetchRecommendedNewsletters", "25806748772361516"},
    {"FetchSimilarNewsletters", "26217043484590756"},
    {"FetchNewsletterMessageReactionSenderList", "29575462448733991"},
    {"FetchNewsletterPollVoters", "9407762219322536"},
    {"FetchNewsletterInsights", "9853618868050977"},
    {"NewsletterPinMessages", "27165709459706559"},
    {"NewsletterUnpinMessages", "28007176042216937"},
    // the account
    {"FetchReachoutTimelock", "23983697327930364"},
    {"FetchNewChatMessageCappingInfo", "24503548349331633"},
    {"UpdateTextStatus", "9152604461510864"},
    {"FetchTextStatusList", "24072923595647473"},
    {"FetchAboutStatus", "24535500086059408"},
    // groups and communities
    {"FetchAllSubgroups", "9935467776504344"},
    {"FetchSubgroupSuggestions", "23972005349071865"},
    {"TransferCommunityOwnership", "29643783178598899"},
    {"GroupSuspensionAppeal", "25946115325088226"},
    {"FetchGroupInfo", "27508847222068472"},
    {"UpdateGroupProperty", "9418211574894172"},
    // business
    {"QueryCatalog", "9916553288394782"},
    {"QueryProductCollections", "9430970660362540"},
    {"BizQueryOrder", "26593811266898374"},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

MexDocuments::MexDocuments() {
  for (const auto& [operation, id] : newest) ids_.emplace(operation, id);
}

std::optional<std::string_view> MexDocuments::id(std::string_view operation) const {
  const auto found = ids_.find(operation);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> MexDocuments::operation(std::string_view id) const {
  for (const auto& [name, known] : ids_)
    if (known == id) return name;
  return std::nullopt;
}

bool MexDocuments::set(std::string_view operation, std::string_view id) {
  if (operation.empty() || operation.size() > 64 || !std::all_of(operation.begin(), operation.end(), is_name))
    return false;
  if (id.empty() || id.size() > 32 || !std::all_of(id.begin(), id.end(), is_digit)) return false;
  if (ids_.size() == max_operations && !ids_.contains(operation)) return false;
  ids_.insert_or_assign(std::string(operation), std::string(id));
  return true;
}

}  // namespace wharf::protocol
