// The form of run.yaml in the first releases.
#ifndef CRIA_STACK_CONFIG_FORMS_LAUNCH_H_
#define CRIA_STACK_CONFIG_FORMS_LAUNCH_H_

#include "stack/config_fields.h"

namespace cria::stack {

// Turns apis_to_serve, api_providers and routing_table, if there are any, into apis, providers and
// registered_resources.
void ModerniseLaunchForm(YamlNode* root, ReadContext& context);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_FORMS_LAUNCH_H_
