/** That a member is a newcomer, as a clause; empty of one that is none. */
export const newcomerClause = ({ isNewcomer = false }: { readonly isNewcomer?: boolean }): string => isNewcomer ? ', a newcomer' : ''
