# unit tests of policies/, and of the other file that is read like them
hamedic_unit_test(pattern hamedic_policies)
hamedic_unit_test(conf hamedic_policies)
hamedic_unit_test(policy hamedic_policies)
hamedic_unit_test(policy_judge hamedic_policies)
hamedic_unit_test(policy_files hamedic_policies)
hamedic_unit_test(settings hamedic_agent)
