#include "store/prompts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/json.h"
#include "base/quote.h"
#include "store/errors.h"
#include "store/ids.h"

namespace cria::store {
namespace {

namespace json = base::json;

constexpr char kPrompt[] = "prompt";
constexpr char kColumns[] = "id, created, version, default_version, text, variables, owner";

bool IsNameCharacter(char c) { return absl::ascii_isalnum(static_cast<uint8_t>(c)) || c == '_'; }

bool IsName(std::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(static_cast<uint8_t>(name.front())) &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

// The name in the "{{ name }}" at the start of `text`; empty if there is none.
std::string_view NameInBraces(std::string_view text) {
  const auto skip_space = [&] {
    while (!text.empty() && absl::ascii_isspace(static_cast<uint8_t>(text.front())))
      text.remove_prefix(1);
  };
  text.remove_prefix(2);
  skip_space();
  const auto end = std::find_if_not(text.begin(), text.end(), IsNameCharacter);
  const std::string_view name = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(name.size());
  skip_space();
  return text.starts_with("}}") ? name : std::string_view();
}

std::string VariablesText(const std::vector<std::string>& variables) {
  return json::serialize(json::array(variables.begin(), variables.end()));
}

absl::StatusOr<std::vector<std::string>> ParseVariables(const std::string& text) {
  std::vector<std::string> variables;
  CRIA_ASSIGN_OR_RETURN(const json::value value,
                        base::ParseJson(text, "the variables of a stored prompt"));
  const json::array* names = value.if_array();
  if (names == nullptr ||
      !std::all_of(names->begin(), names->end(), [](const auto& name) { return name.is_string(); }))
    return absl::DataLossError("the variables of a stored prompt: expected an array of strings");
  for (const json::value& name : *names) variables.emplace_back(name.get_string().c_str());
  return variables;
}

// A row of kColumns, its JSON still a text.
struct RawPrompt {
  Prompt prompt;
  std::string variables, owner;

  static RawPrompt From(const Row& row, int first) {
    RawPrompt raw;
    raw.prompt.id = row.Text(first);
    raw.prompt.created = row.Int(first + 1);
    raw.prompt.version = row.Int(first + 2);
    raw.prompt.is_default = raw.prompt.version == row.Int(first + 3);
    raw.prompt.content.text = row.Text(first + 4);
    raw.variables = row.Text(first + 5);
    raw.owner = row.Text(first + 6);
    return raw;
  }
  absl::StatusOr<Prompt> Parse() && {
    CRIA_ASSIGN_OR_RETURN(prompt.content.variables, ParseVariables(variables));
    CRIA_ASSIGN_OR_RETURN(prompt.owner, ParseOwner(owner));
    return std::move(prompt);
  }
  size_t bytes() const { return sizeof *this + prompt.content.text.size() + variables.size(); }
};

absl::StatusOr<std::vector<Prompt>> ParseAll(std::vector<RawPrompt> raw) {
  std::vector<Prompt> prompts;
  prompts.reserve(raw.size());
  for (RawPrompt& one : raw) {
    CRIA_ASSIGN_OR_RETURN(Prompt prompt, std::move(one).Parse());
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

absl::Status InsertVersion(Connection& connection, const std::string& id, int64_t version,
                           const PromptText& content) {
  return connection
      .Execute("INSERT INTO prompt_versions (prompt, version, text, variables) VALUES (?, ?, ?, ?)",
               {id, version, content.text, VariablesText(content.variables)})
      .status();
}

absl::Status InsertPrompt(Connection& connection, const Prompt& prompt) {
  CRIA_RETURN_IF_ERROR(
      connection
          .Execute("INSERT INTO prompts (id, created, default_version, latest_version, owner) "
                   "VALUES (?, ?, 1, 1, ?)",
                   {prompt.id, prompt.created, OwnerText(prompt.owner)})
          .status());
  return InsertVersion(connection, prompt.id, 1, prompt.content);
}

// What keeps `latest` from being the latest version of the prompt.
absl::Status NotLatest(Connection& connection, const std::string& id, int64_t latest) {
  std::optional<int64_t> actual;
  CRIA_RETURN_IF_ERROR(connection.Query("SELECT latest_version FROM prompts WHERE id = ?", {id},
                                        [&](const Row& row) {
                                          actual = row.Int(0);
                                          return false;
                                        }));
  if (!actual.has_value()) return NoSuch(kPrompt, id);
  return absl::InvalidArgumentError(absl::StrCat("version: ", latest,
                                                 " is not the latest of prompt ", base::Quote(id),
                                                 ": that is ", *actual, "; read it and try again"));
}

absl::Status AppendVersion(Connection& connection, const std::string& id, int64_t latest,
                           const PromptText& content, bool set_as_default) {
  CRIA_ASSIGN_OR_RETURN(const int64_t changed,
                        connection.Execute("UPDATE prompts SET latest_version = latest_version + 1 "
                                           "WHERE id = ? AND latest_version = ?",
                                           {id, latest}));
  if (changed == 0) return NotLatest(connection, id, latest);
  CRIA_RETURN_IF_ERROR(InsertVersion(connection, id, latest + 1, content));
  if (!set_as_default) return absl::OkStatus();
  return connection
      .Execute("UPDATE prompts SET default_version = latest_version WHERE id = ?", {id})
      .status();
}

std::string VersionName(const std::string& id, int64_t version) {
  return absl::StrCat(id, " version ", version);
}

}  // namespace

absl::Status CheckPrompt(const PromptText& prompt) {
  const std::vector<std::string>& variables = prompt.variables;
  for (auto name = variables.begin(); name != variables.end(); ++name) {
    if (!IsName(*name))
      return absl::InvalidArgumentError(absl::StrCat(
          "variables: expected names of letters, digits and '_', got ", base::Quote(*name)));
    if (std::find(variables.begin(), name, *name) != name)
      return absl::InvalidArgumentError(
          absl::StrCat("variables: ", base::Quote(*name), " is there twice"));
  }
  std::string_view rest = prompt.text;
  while (true) {
    const size_t braces = rest.find("{{");
    if (braces == std::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(braces);
    const std::string_view name = NameInBraces(rest);
    if (!name.empty() && std::find(variables.begin(), variables.end(), name) == variables.end())
      return absl::InvalidArgumentError(
          absl::StrCat("prompt: {{ ", std::string(name.substr(0, 100)),
                       " }} is not among its variables: add it, or leave it out of the text"));
    // One brace on: "{{{ name }}}" has a variable too.
    rest.remove_prefix(1);
  }
}

absl::StatusOr<Prompt> Prompts::Create(PromptText content, const Owner& owner) {
  CRIA_RETURN_IF_ERROR(CheckPrompt(content));
  const Prompt prompt{NewPromptId(), clock_(), 1, true, std::move(content), owner};
  CRIA_RETURN_IF_ERROR(writer_.Write(prompt.content.text.size(), [&](Connection& connection) {
    return InsertPrompt(connection, prompt);
  }));
  return prompt;
}

absl::StatusOr<Prompt> Prompts::Get(const std::string& id, std::optional<int64_t> version) {
  std::optional<RawPrompt> found;
  const auto on_row = [&](const Row& row) {
    found = RawPrompt::From(row, 0);
    return false;
  };
  std::string sql = absl::StrCat("SELECT ", kColumns,
                                 " FROM prompts JOIN prompt_versions ON prompt = id "
                                 "WHERE id = ? AND version = ",
                                 version.has_value() ? "?" : "default_version");
  Params params = {id};
  if (version.has_value()) params.emplace_back(*version);
  CRIA_RETURN_IF_ERROR(reader_.Query(sql, params, on_row));
  if (found.has_value()) return std::move(*found).Parse();
  if (!version.has_value()) return NoSuch(kPrompt, id);
  CRIA_RETURN_IF_ERROR(Get(id, std::nullopt).status());
  return NoSuch(kPrompt, VersionName(id, *version));
}

absl::StatusOr<Prompt> Prompts::AddVersion(const std::string& id, int64_t latest,
                                           PromptText content, bool set_as_default) {
  CRIA_RETURN_IF_ERROR(CheckPrompt(content));
  CRIA_RETURN_IF_ERROR(writer_.Write(content.text.size(), [&](Connection& connection) {
    return AppendVersion(connection, id, latest, content, set_as_default);
  }));
  return Get(id, latest + 1);
}

absl::StatusOr<Prompt> Prompts::SetDefault(const std::string& id, int64_t version) {
  int64_t changed = 0;
  CRIA_RETURN_IF_ERROR(writer_.Write(id.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(changed,
                          connection.Execute("UPDATE prompts SET default_version = ? WHERE id = ? "
                                             "AND 1 <= ? AND ? <= latest_version",
                                             {version, id, version, version}));
    return absl::OkStatus();
  }));
  if (changed != 0) return Get(id, version);
  CRIA_RETURN_IF_ERROR(Get(id, std::nullopt).status());
  return NoSuch(kPrompt, VersionName(id, version));
}

absl::Status Prompts::Delete(const std::string& id) {
  return writer_.Write(id.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(const int64_t deleted,
                          connection.Execute("DELETE FROM prompts WHERE id = ?", {id}));
    return deleted == 0 ? NoSuch(kPrompt, id) : absl::OkStatus();
  });
}

absl::StatusOr<Page<Prompt>> Prompts::List(const ListOptions& options, PromptVersion which) {
  const char* version = which == PromptVersion::kDefault ? "default_version" : "latest_version";
  const Listing listing{
      kPrompt,
      absl::StrCat("prompts JOIN prompt_versions ON prompt = id AND version = ", version),
      "created",
      "owner",
      kColumns,
      {}};
  std::vector<RawPrompt> raw;
  Page<Prompt> page;
  CRIA_ASSIGN_OR_RETURN(page.has_more,
                        ReadPage(reader_, listing, options, [&](const Row& row, int first, Owner) {
                          raw.push_back(RawPrompt::From(row, first));
                          return raw.back().bytes();
                        }));
  CRIA_ASSIGN_OR_RETURN(page.items, ParseAll(std::move(raw)));
  return page;
}

absl::StatusOr<std::vector<Prompt>> Prompts::Versions(const std::string& id) {
  std::vector<RawPrompt> raw;
  CRIA_RETURN_IF_ERROR(
      reader_.Query(absl::StrCat("SELECT ", kColumns,
                                 " FROM prompts JOIN prompt_versions ON prompt = id "
                                 "WHERE id = ? ORDER BY version"),
                    {id}, [&](const Row& row) {
                      raw.push_back(RawPrompt::From(row, 0));
                      return true;
                    }));
  if (raw.empty()) return NoSuch(kPrompt, id);
  return ParseAll(std::move(raw));
}

}  // namespace cria::store
