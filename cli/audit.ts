import { Command } from 'commander';
import { auditAcknowledgeCommand } from './audit-acknowledge.ts';
import { auditExportCommand } from './audit-export.ts';
import { auditListCommand } from './audit-list.ts';
import { auditVerifyCommand } from './audit-verify.ts';

export function auditCommand(): Command {
  return new Command('audit')
    .description('Read, verify and export the record of every access.')
    .addCommand(auditListCommand().exitOverride())
    .addCommand(auditVerifyCommand().exitOverride())
    .addCommand(auditAcknowledgeCommand().exitOverride())
    .addCommand(auditExportCommand().exitOverride());
}
